// ATTACK: hang_native_string
// CLASS: hang
// MUST: normalize, localeCompare, toUpperCase and replaceAll over hundreds of megabytes end or are ended
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
const s = "\u0390\u1e9b\u0323".repeat(1e7); for (let i = 0; i < 100; i++) { s.normalize("NFKD").length; s.localeCompare(s + i, "de", { sensitivity: "base" }); s.toLocaleUpperCase("lt"); s.replaceAll("\u0390", s.slice(0, 10)); }
