// ATTACK: mem_regexps
// CLASS: memory
// MUST: a hundred thousand compiled expressions end as memory_limit or run into the CPU limit
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit", "script_error"]}
const k = []; for (let i = 0; ; i++) { const r = new RegExp("(?:a" + i + "|b{1,50}){1,50}"); r.test("ab"); k.push(r); }
