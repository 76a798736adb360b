// ATTACK: hang_microtask_flood
// CLASS: hang
// MUST: two million queued jobs run or end in memory, and the next script is not slowed
// EXPECT: {"status": ["completed", "failed"], "terminable": true, "worker_may_die": true}
let n = 0; for (let i = 0; i < 2e6; i++) queueMicrotask(() => { n++; }); await null;
