// ATTACK: val_image_odd
// CLASS: values
// MUST: images and audio of odd urls and details are refused or said whole
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const odd = ["data:", "DATA:x", "http://", "https://\ud800", "data:\0", "javascript:1", "", 5, null, undefined, [], {}, { image_url: "data:x", detail: "\ud800" }, { image_url: { toString: () => "data:x" } }, { get image_url() { return "data:" + Math.random(); } }, { type: "image" }, { type: "image", data: "x", mimeType: "y", _meta: null }, { type: "image", data: "x", mimeType: "y", _meta: { "codex/imageDetail": 5 } }, "data:" + "x".repeat(1e5)];
for (const v of odd) for (const f of [output_image, output_audio]) for (const d of [undefined, null, "high", "\ud800", 5, {}]) try { f(v, d); } catch (e) { if (!(e instanceof TypeError)) output_text("odd " + e); }
output_text("ok");
