// ATTACK: hang_getter_on_store
// CLASS: hang
// MUST: storing what never stops being read is ended like any loop
// EXPECT: {"status": ["failed"], "terminable": true}
store("k", new Proxy({}, { ownKeys() { for (;;) {} } }));
