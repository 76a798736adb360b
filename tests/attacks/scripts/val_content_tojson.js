// ATTACK: val_content_tojson
// CLASS: values
// MUST: content blocks whose toJSON or getters change them are refused or said whole, and end no worker
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const odd = [{ type: "x", toJSON: () => undefined }, { type: "x", toJSON: () => 5 }, { type: "x", toJSON: () => null }, { type: "x", toJSON: () => "s" }, { type: "x", toJSON: () => [1] }, { type: "x", toJSON: () => ({}) }, { type: "x", toJSON() { throw 1; } }, { type: "x", b: 1n }, { get type() { return Math.random() > 0.5 ? "text" : "image"; } }, { type: "image", data: {}, mimeType: "a" }, { type: "image", data: "\ud800", mimeType: "\udfff\0" }, { type: "audio", data: "a", mimeType: "b", annotations: { priority: Infinity } }, { type: "text", text: { toString: () => "x" } }, { type: "text", text: 5, x: "\ud800" }, { type: "resource", resource: null }, { type: "\ud800" }, { type: "" }, { type: "x", ["\ud800"]: 1, __proto__: { type: "y" } }, new Proxy({ type: "x" }, {}), Object.assign([], { type: "x" }), [[{ type: "x" }]]];
let k = 0; for (const b of odd) try { output_content(b); k++; } catch (e) { if (e !== 1 && !(e instanceof TypeError)) output_text("odd " + e); }
output_text("ok");
