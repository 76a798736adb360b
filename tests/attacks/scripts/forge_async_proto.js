// ATTACK: forge_async_proto
// CLASS: forge
// MUST: patched generator, async generator and promise prototypes bend the script's own awaits and no answer
// EXPECT: {"status": ["completed", "failed"], "no_forged": true}
import { echo } from "tools.js";
const AG = Object.getPrototypeOf(async function* () {}).prototype, G = Object.getPrototypeOf(function* () {}).prototype;
for (const P of [AG, G, Object.getPrototypeOf(AG), Object.getPrototypeOf(G)]) for (const k of ["next", "return", "throw"]) try { P[k] = () => ({ value: "FORGED", done: false, then(f) { f("FORGED"); } }); } catch {}
Object.defineProperty(Promise, Symbol.species, { get() { return function (x) { x(() => {}, () => {}); }; } });
Object.defineProperty(Promise.prototype, "constructor", { get() { return function F(x) { x(() => {}, () => {}); }; } });
const r = await new Promise((done) => { const p = echo({ a: 1 }); delete Promise.prototype.constructor; Object.defineProperty(Promise.prototype, "constructor", { value: Promise }); p.then(done); });
output_text(r.a === 1 ? "ok" : "FORGED");
