// ATTACK: reach_wasm
// CLASS: reach
// MUST: WebAssembly and growable shared memory are not regained by any path
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_text": "LEAK"}
const names = ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "ShadowRealm"]; const seen = new Set(); let leak = "";
const look = (v) => { if ((typeof v !== "object" && typeof v !== "function") || v === null || seen.has(v)) return; seen.add(v); let tag; try { tag = v[Symbol.toStringTag]; } catch {} const name = typeof v === "function" ? v.name : tag; if (names.includes(name)) leak += " " + name; for (const k of Reflect.ownKeys(v)) { const d = Object.getOwnPropertyDescriptor(v, k); look(d.value); look(d.get); look(d.set); } look(Object.getPrototypeOf(v)); };
look(globalThis); look(new Error("x")); look((async function* () {})()); look(Intl); look(new URL("http://a/")); look(as_settled([])); look(new TextDecoder()); look(function () {}); look([][Symbol.iterator]()); look(new Intl.Segmenter("en").segment("x")[Symbol.iterator]());
for (const text of ["typeof WebAssembly", "typeof SharedArrayBuffer", "typeof Atomics", "typeof ShadowRealm"]) if ((0, eval)(text) !== "undefined") leak += " " + text;
try { if (structuredClone(new ArrayBuffer(1)).growable !== undefined) leak += " growable"; } catch {}
output_text(leak === "" && seen.size > 500 ? "ok" : "LEAK" + leak);
