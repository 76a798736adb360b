// ATTACK: forge_namespace_hooks
// CLASS: forge
// MUST: namespaces, tools and ALL_TOOLS cannot be written, extended, re-prototyped or proxied into another's import
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import * as T from "tools.js";
import * as H from "codemode";
import { echo, tools as named, ALL_TOOLS } from "tools.js";
let n = 0;
for (const o of [T, H, named, tools, ALL_TOOLS, ALL_TOOLS[0], echo, output_text, H.store]) {
  for (const f of [() => { o.echo = 1; }, () => { o.x = 1; }, () => { delete o[Reflect.ownKeys(o)[0]]; if (Reflect.ownKeys(o).length) throw 0; }, () => Object.setPrototypeOf(o, { echo: () => "FORGED" }), () => Object.defineProperty(o, "echo", { get: () => () => "FORGED" })]) try { f(); n++; } catch {}
}
Object.prototype.echo = () => "FORGED"; Function.prototype.echo = () => "FORGED";
const r = await T.echo({ a: 1 });
delete Object.prototype.echo;
output_text(r.a === 1 && n === 0 ? "ok" : "FORGED " + n);
