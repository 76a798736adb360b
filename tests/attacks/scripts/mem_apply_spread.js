// ATTACK: mem_apply_spread
// CLASS: memory
// MUST: calls with a million arguments, and spread of endless length, are a RangeError or a memory_limit
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "script_error", "cpu_limit"]}
const many = Array(5e6).fill("x"); for (const f of [console.log, output_text, setTimeout, tools.echo, store, Math.max, String.fromCharCode, (...a) => a.length]) { try { f(...many); } catch {} try { Reflect.apply(f, null, many); } catch {} try { f.apply(null, { length: 2 ** 31 }); } catch {} } 
