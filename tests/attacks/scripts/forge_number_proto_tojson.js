// ATTACK: forge_number_proto_tojson
// CLASS: forge
// MUST: ids, numbers and lengths are not said through a patched toString, valueOf or toJSON
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
for (const C of [Number, String, Boolean, BigInt, Symbol]) for (const k of ["toString", "valueOf", "toJSON", Symbol.toPrimitive]) {
  Object.defineProperty(C.prototype, k, { value: () => "FORGED", configurable: true });
}
const c = new AbortController();
const p = echo({ a: 1 }, { signal: c.signal });
const r = await p; c.abort();
output_text(r.a === 1 ? "ok" : "FORGED");
