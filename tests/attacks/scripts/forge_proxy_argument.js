// ATTACK: forge_proxy_argument
// CLASS: forge
// MUST: a Proxy as argument is read once and by the script's own code: one call, with what it said
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
let reads = 0;
const p = new Proxy({ a: 1 }, { get(t, k) { if (k === "a") reads++; return t[k]; }, ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ value: 2, enumerable: true, configurable: true }) });
const r = await echo(p);
output_text(r.a === 1 && reads === 1 ? "ok" : "FORGED " + reads);
