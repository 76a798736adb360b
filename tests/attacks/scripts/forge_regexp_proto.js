// ATTACK: forge_regexp_proto
// CLASS: forge
// MUST: patched RegExp.prototype and Symbol.replace reach nothing that the runner reads
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
let seen = 0;
for (const k of Reflect.ownKeys(RegExp.prototype)) { const d = Object.getOwnPropertyDescriptor(RegExp.prototype, k); if (k === "constructor") continue; Object.defineProperty(RegExp.prototype, k, { configurable: true, get() { seen++; return () => "FORGED"; } }); }
console.log("%o", { a: /x/g, "b-c": 1 }); output_text({ m: new Map([["k", 1]]) });
const r = await echo({ a: 1 });
output_text(r.a === 1 && seen === 0 ? "ok" : "FORGED " + seen);
