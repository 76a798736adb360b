// ATTACK: reach_stored_proto
// CLASS: reach
// MUST: stored values and keys of hostile names reach no prototype, no other key and no other session
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const keys = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "\0", "\ud800", "then", "a/b", "../x", "k".repeat(1000), "\u2028", "0", "length"]; let bad = 0;
for (const k of keys) { store(k, { k, __proto__: null, ["__proto__"]: { polluted: 1 } }); const v = load(k); if (v.k.toWellFormed() !== k.toWellFormed() || {}.polluted !== undefined) bad++; }
for (const k of keys) store(k, undefined); for (const k of keys) if (load(k) !== undefined) bad++;
output_text(bad === 0 ? "ok" : "WRONG " + bad);
