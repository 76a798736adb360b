// ATTACK: forge_global_redefine
// CLASS: forge
// MUST: every global redefined by accessors, frozen or deleted: calls, output and the end go on
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
import { output_text as say } from "codemode";
const P = Promise;
for (const k of Reflect.ownKeys(globalThis)) try { Object.defineProperty(globalThis, k, { get() { return () => "FORGED"; }, set() {}, configurable: false }); } catch {}
const r = await echo({ a: 1 });
say(r.a === 1 ? "ok" : "FORGED");
