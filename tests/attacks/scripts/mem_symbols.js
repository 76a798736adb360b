// ATTACK: mem_symbols
// CLASS: memory
// MUST: symbols, interned strings and object keys without end end as memory_limit
// EXPECT: {"status": ["failed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit"]}
const o = {}; for (let i = 0; ; i++) { o["key" + i] = Symbol.for("s" + i); o[Symbol(i)] = i; }
