// ATTACK: forge_object_proto_then
// CLASS: forge
// MUST: a `then` on Object.prototype is asked for the script's own values only: the call is made once and its answer is not replaced for another
// EXPECT: {"status": ["completed", "failed"], "no_forged": true}
import { echo } from "tools.js";
Object.defineProperty(Object.prototype, "then", { configurable: true, get() { return undefined; } });
const r = await echo({ a: 1 });
delete Object.prototype.then;
output_text(r.a === 1 ? "ok" : "FORGED");
