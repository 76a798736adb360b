// ATTACK: mem_wide_output
// CLASS: memory
// MUST: an array of 2^32 - 1 holes said, stored, logged and given to a tool ends in bound
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
const a = []; a.length = 2 ** 32 - 1; console.log(a); console.table(a); try { structuredClone(a); } catch {} try { store("a", a); } catch {} await tools.echo({ a }).catch(() => {}); output_text(a);
