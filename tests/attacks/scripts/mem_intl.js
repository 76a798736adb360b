// ATTACK: mem_intl
// CLASS: memory
// MUST: formatters of Intl, whose memory V8 does not count, end the worker as memory_limit or run into the CPU limit
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "cpu_limit"]}
const k = []; for (let i = 0; ; i++) k.push(new Intl.DateTimeFormat("de-u-ca-islamic", { dateStyle: "full", timeZone: "Europe/Berlin" }).format(0), new Intl.NumberFormat("ar", { style: "currency", currency: "EUR" }), new Intl.DateTimeFormat("ja"));
