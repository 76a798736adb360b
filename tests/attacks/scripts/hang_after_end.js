// ATTACK: hang_after_end
// CLASS: hang
// MUST: a promise job that spins after the last statement takes neither the worker of the next script nor the outcome
// EXPECT: {"status": ["completed", "failed"], "within_s": 5}
output_text("end"); (async () => { await null; await null; for (;;) {} })();
