// ATTACK: hang_timer_storm
// CLASS: hang
// MUST: intervals of 0, NaN, -1, Infinity and 2^31 ms starve neither a call nor the end
// EXPECT: {"status": ["completed"], "within_s": 5, "expect_text": "ok"}
let n = 0; const ids = [0, NaN, -1, Infinity, 2 ** 31, "x", {}, null, undefined, 1e-9, true].map((ms) => setInterval(() => { n++; }, ms));
const r = await tools.echo({ a: 1 }); await sleep(50); ids.forEach(clearInterval); const m = n; await sleep(30);
output_text(r.a === 1 && n === m && n > 0 ? "ok" : `${n} ${m}`);
