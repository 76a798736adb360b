// ATTACK: forge_typed_array_proto
// CLASS: forge
// MUST: patched typed array and ArrayBuffer prototypes are given no memory of the runner
// EXPECT: {"status": ["completed"], "no_forged": true, "no_text": "LEAK", "expect_text": "ok"}
import { echo } from "tools.js";
const T = Object.getPrototypeOf(Uint8Array.prototype); const seen = new Set();
for (const k of ["length", "byteLength", "buffer", "byteOffset"]) { const g = Object.getOwnPropertyDescriptor(T, k).get; Object.defineProperty(T, k, { configurable: true, get() { seen.add(this); return Reflect.apply(g, this, []); } }); }
for (const C of [Uint8Array, Uint16Array, Int32Array, Uint32Array]) { Object.defineProperty(C.prototype, "constructor", { get() { seen.add(this); return C; } }); Object.defineProperty(C, Symbol.species, { get() { return C; } }); }
for (const f of ["set", "subarray", "slice", "fill"]) { const o = T[f]; T[f] = function (...a) { seen.add(this); return Reflect.apply(o, this, a); }; }
crypto.randomUUID(); btoa("abc"); new TextEncoder().encode("x"); structuredClone(new Uint8Array(4)); output_text("y"); console.log(1);
const r = await echo({ a: 1 });
let leak = 0; for (const a of seen) if (a instanceof T.constructor && Object.getOwnPropertyDescriptor(T, "byteLength").get.call(a) > 1 << 16) leak++;
output_text(r.a === 1 && leak === 0 ? "ok" : "LEAK");
