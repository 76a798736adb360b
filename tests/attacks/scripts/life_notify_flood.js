// ATTACK: life_notify_flood
// CLASS: lifecycle
// MUST: a flood of notes, yields and settings ends by the limit of items or completes, with nothing queued without bound
// EXPECT: {"status": ["completed", "failed"], "within_s": 20}
for (let i = 0; i < 20_000; i++) { notify("n" + i); yield_control(); set_yield_time(i); set_max_output_tokens_per_exec_call(i); }
