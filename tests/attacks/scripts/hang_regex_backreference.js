// ATTACK: hang_regex_backreference
// CLASS: hang
// MUST: a catastrophe with a backreference, which no linear engine takes, is ended like any loop
// EXPECT: {"status": ["failed", "completed"], "terminable": true}
/^(?:(\w+)\s?)*\1$/.test("ab ".repeat(40) + "!"); /(x+x+)+y\1/.test("x".repeat(50_000));
