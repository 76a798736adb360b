// ATTACK: mem_closures
// CLASS: memory
// MUST: a list of generators, async functions and bound functions without end ends as memory_limit
// EXPECT: {"status": ["failed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit"]}
let f = () => 1; const k = []; for (;;) { f = f.bind(null, 1); k.push(f, (function* () { yield k; })(), (async () => { await new Promise(() => {}); })(), new Proxy({}, {}), new WeakRef({})); }
