// ATTACK: life_progress_of_tools
// CLASS: lifecycle
// MUST: a call that is aborted at every moment of its life has one end
// EXPECT: {"status": ["completed"], "within_s": 10, "expect_text": "300"}
let ends = 0; const all = [];
for (let i = 0; i < 300; i++) { const c = new AbortController(); all.push(tools.sleep({ ms: i % 7, name: "x" }, { signal: c.signal }).then(() => ends++, () => ends++)); if (i % 3 === 0) c.abort(); else setTimeout(() => c.abort(), i % 11); }
await Promise.all(all); await sleep(20); output_text(ends);
