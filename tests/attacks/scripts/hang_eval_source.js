// ATTACK: hang_eval_source
// CLASS: hang
// MUST: code that is slow to parse or to compile is ended like any loop
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
for (let n = 1; ; n++) { try { new Function("return " + "(".repeat(1000 * n) + "1" + ")".repeat(1000 * n)); } catch {} try { eval("x=>".repeat(500 * n) + "1"); } catch {} try { new RegExp("(?:" + "a?".repeat(20_000 * n) + ")*"); } catch {} }
