// ATTACK: mem_args_in_flight
// CLASS: memory
// MUST: many arguments of 15 MB at once wait their turn with bounded memory at both ends
// EXPECT: {"status": ["completed", "failed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit"]}
const s = "x".repeat(15e6); const all = []; for (let i = 0; i < 4; i++) all.push(tools.echo({ s: s + i }).then((r) => r.s.length)); output_text((await Promise.all(all)).length);
