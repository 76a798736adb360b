// ATTACK: mem_strings_growing
// CLASS: memory
// MUST: strings that grow by doubling, joined, split and turned into bytes end as memory_limit or a RangeError
// EXPECT: {"status": ["failed"], "worker_may_die": true, "codes": ["memory_limit", "script_error", "cpu_limit"]}
let s = "é\u{1f600}"; const k = []; for (;;) { s += s; k.push(s.split(""), new TextEncoder().encode(s), encodeURIComponent(s), s.toWellFormed(), btoa(unescape(encodeURIComponent(s)))); }
