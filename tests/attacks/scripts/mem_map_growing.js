// ATTACK: mem_map_growing
// CLASS: memory
// MUST: a Map and a Set that grow for ever end as memory_limit or a RangeError
// EXPECT: {"status": ["failed"], "worker_may_die": true, "codes": ["memory_limit", "script_error", "cpu_limit"]}
const m = new Map(), s = new Set(); for (let i = 0; ; i++) { m.set(i, s); s.add(i + 0.5); }
