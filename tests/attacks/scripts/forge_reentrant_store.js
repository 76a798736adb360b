// ATTACK: forge_reentrant_store
// CLASS: forge
// MUST: a getter of a stored value that stores under the same key leaves one of the two values, whole, and the sum of bytes right
// EXPECT: {"status": ["completed"], "expect_text": "ok 5242885"}
for (let i = 0; i < 300; i++) store("k", { get a() { store("k", "y".repeat(1000)); store("k", undefined); return "x".repeat(1000); } });
const kept = load("k");
store("k", undefined);
let total;
try { store("big", "z".repeat(5 * 1024 * 1024)); } catch (e) { total = /come to (\d+) bytes/.exec(e.message)[1]; }
output_text((kept.a.length === 1000 ? "ok " : "WRONG ") + total);
