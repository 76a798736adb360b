// ATTACK: hang_thenable_recursive
// CLASS: hang
// MUST: a thenable that resolves with itself for ever spins only its own script
// EXPECT: {"status": ["failed"], "terminable": true}
const t = { then(a) { a(t); } }; await t;
