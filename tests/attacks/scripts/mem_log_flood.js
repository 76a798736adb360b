// ATTACK: mem_log_flood
// CLASS: memory
// MUST: 32 MB of console text is bounded in the worker, on the wire and in the host
// EXPECT: {"status": ["completed", "failed"], "worker_may_die": true}
const s = "x".repeat(16_000); for (let i = 0; i < 2000; i++) console.log(s);
