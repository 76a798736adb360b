// ATTACK: val_detached
// CLASS: values
// MUST: detached, resized and out-of-bounds buffers given to every helper are errors or texts
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const make = [() => { const b = new ArrayBuffer(64); b.transfer(); return b; }, () => { const b = new ArrayBuffer(64); const v = new Uint8Array(b); b.transfer(); return v; }, () => { const b = new ArrayBuffer(64); const v = new DataView(b, 8); b.transfer(); return v; }, () => { const b = new ArrayBuffer(64, { maxByteLength: 128 }); const v = new Uint32Array(b, 32); b.resize(8); return v; }, () => { const b = new ArrayBuffer(64, { maxByteLength: 128 }); const v = new DataView(b, 60); b.resize(8); return v; }, () => new ArrayBuffer(0, { maxByteLength: 2 ** 30 })];
const use = [output_text, console.log, notify, structuredClone, (v) => structuredClone(1, { transfer: [v] }), (v) => new TextDecoder().decode(v), (v) => new TextEncoder().encodeInto("x", v), (v) => crypto.getRandomValues(v), (v) => store("k", v), (v) => output_content({ type: "x", v }), (v) => btoa(v), (v) => tools.echo({ v }).catch(() => {}), (v) => console.table(v)];
for (const m of make) for (const u of use) try { await u(m()); } catch (e) { if (!(e instanceof Error)) output_text("odd " + e); }
output_text("ok");
