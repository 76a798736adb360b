// ATTACK: forge_import_name_shadow
// CLASS: forge
// MUST: what a script declares does not capture what its imports are rewritten to
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
import * as all from "tools.js";
import { echo as e2, tools as t } from "tools.js";
const output = { echo, e2, all };
{ const echo = () => "FORGED", e2 = echo, all = { echo }, t = { echo }; var tools_ = 1; }
for (const name of ["echo", "all", "e2", "t"]) try { eval(name + " = () => 'FORGED'"); output_text("FORGED"); } catch {}
eval("var echo = () => 'FORGED'; function t() { return 'FORGED'; }");
const r = await echo({ a: 1 });
output_text(r.a === 1 && output.echo === echo && all.echo === echo && t.echo === echo ? "ok" : "FORGED");
