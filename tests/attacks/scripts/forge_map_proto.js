// ATTACK: forge_map_proto
// CLASS: forge
// MUST: patched Map, Set, WeakMap and their iterators cannot be asked for the open calls
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
let seen = 0;
for (const C of [Map, Set, WeakMap, WeakSet]) for (const k of Reflect.ownKeys(C.prototype)) { const d = Object.getOwnPropertyDescriptor(C.prototype, k); if (typeof d.value === "function" && k !== "constructor") Object.defineProperty(C.prototype, k, { ...d, value(...a) { seen++; return "FORGED"; } }); else if (d.get) Object.defineProperty(C.prototype, k, { ...d, get() { seen++; return 0; } }); }
const p = echo({ a: 1 }); store("k", 1); load("k"); const id = setTimeout(() => {}, 1); clearTimeout(id); console.log(1);
const r = await p;
output_text(r.a === 1 && seen === 0 ? "ok" : "FORGED " + seen);
