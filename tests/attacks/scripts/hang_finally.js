// ATTACK: hang_finally
// CLASS: hang
// MUST: a finally block that never ends is ended like any loop
// EXPECT: {"status": ["failed"], "terminable": true}
try { throw 1; } finally { for (;;) {} }
