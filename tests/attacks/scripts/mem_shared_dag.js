// ATTACK: mem_shared_dag
// CLASS: memory
// MUST: a value of 40 objects that is 2^40 long when written out is cut or ends the script, not the host
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
let d = { x: "x" }; for (let i = 0; i < 40; i++) d = { a: d, b: d }; console.log(d); try { structuredClone(d); } catch {} output_text(new Map([[1, d]])); await tools.echo(d).catch(() => {}); output_text(d);
