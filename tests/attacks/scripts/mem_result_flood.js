// ATTACK: mem_result_flood
// CLASS: memory
// MUST: results of many megabytes, all awaited together, are refused or end as memory_limit
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit"]}
const all = []; const s = "x".repeat(4e6); for (let i = 0; i < 8; i++) all.push(tools.echo({ s })); output_text((await Promise.allSettled(all)).length);
