// ATTACK: hang_abort_never_heard
// CLASS: hang
// MUST: aborting a call after its answer, twice and in its own listener settles nothing twice and stalls nothing
// EXPECT: {"status": ["completed"], "within_s": 5, "expect_text": "ok"}
const c = new AbortController(); let settled = 0;
const p = tools.echo({ a: 1 }, { signal: c.signal }); p.then(() => settled++, () => settled++); await p; c.abort(); c.abort();
const d = new AbortController(); const q = tools.never({}, { signal: d.signal }); q.then(() => settled++, () => settled++); d.signal.onabort = () => d.abort(); d.abort(); try { await q; } catch {}
const r = tools.echo({ a: 2 }, { signal: d.signal }); r.then(() => settled++, () => settled++); try { await r; } catch {} await sleep(20);
output_text(settled === 3 ? "ok" : String(settled));
