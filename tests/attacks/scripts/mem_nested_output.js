// ATTACK: mem_nested_output
// CLASS: memory
// MUST: arrays 200,000 deep said, logged, stored, cloned, thrown and given to a tool are errors or texts
// EXPECT: {"status": ["failed"], "codes": ["script_error"]}
let d = []; for (let i = 0; i < 2e5; i++) d = [d]; const o = { toString: null };
for (const f of [() => output_text(d), () => console.log(d), () => store("d", d), () => structuredClone(d), () => output_content({ type: "x", d }), () => notify(d), () => console.table(d), () => String(d)]) try { f(); } catch (e) { if (!(e instanceof Error)) output_text("odd"); }
await tools.echo({ d }).catch(() => {}); throw d;
