// ATTACK: val_buffer_race
// CLASS: values
// MUST: a getter that detaches or resizes a buffer while it is read harms the reading at most
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
for (const cut of [(b) => b.transfer(), (b) => b.resize(1), (b) => b.resize(0)]) {
  const fresh = () => new ArrayBuffer(1 << 16, { maxByteLength: 1 << 17 });
  for (const f of [(b) => new TextDecoder().decode(new Uint8Array(b), { get stream() { cut(b); return true; } }), (b) => structuredClone([new Uint8Array(b), { get x() { cut(b); } }, new Uint8Array(b, 8, 8), new DataView(b, 8)]), (b) => structuredClone({ get x() { cut(b); }, b }, { transfer: [b] }), (b) => output_text([new Uint8Array(b), { toJSON() { cut(b); } }, new Uint32Array(b)]), (b) => new Uint8Array(b).sort(() => { cut(b); return 0; }), (b) => structuredClone(1, { get transfer() { cut(b); return [b, b]; } })]) try { f(fresh()); } catch (e) { if (!(e instanceof Error)) output_text("odd " + e); }
}
output_text("ok");
