// ATTACK: hang_after_exit
// CLASS: hang
// MUST: what runs when exit() has been called is nothing: no finally, no job, no timer
// EXPECT: {"status": ["completed"], "within_s": 3, "no_text": "LATE", "expect_text": "before"}
output_text("before");
setTimeout(() => output_text("LATE"), 0); Promise.resolve().then(() => output_text("LATE"));
const o = { get x() { exit(); }, toJSON() { try { exit(); } finally { output_text("LATE"); } } };
try { try { [2, 1].sort(() => { JSON.stringify(o); }); } finally { output_text("LATE"); for (;;) {} } } catch { output_text("LATE"); }
