// ATTACK: mem_rope
// CLASS: memory
// MUST: a rope of 512 MB said, stored, logged, thrown and given to a tool is refused or ends the worker as memory_limit
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "output_limit", "script_error", "cpu_limit"]}
let s = "x".repeat(1000); while (s.length < 2 ** 28) s += s; try { output_image("data:" + s); } catch {} try { console.log(s); } catch {} try { await tools.echo({ s }); } catch {} try { store(s, 1); } catch {} try { new URL("http://a/" + s); } catch {} output_text(s);
