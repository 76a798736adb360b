// ATTACK: forge_fake_thenable_answers
// CLASS: forge
// MUST: a script's thenable in the place of an answer settles its own await once, whatever it calls
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok 1 2"}
import { echo } from "tools.js";
let resolveTwice;
const t = { then(a, b) { a(1); a("FORGED"); b("FORGED"); throw "FORGED"; } };
const one = await t;
const two = await { then(a) { a({ then(c) { c(2); c("FORGED"); } }); } };
const r = await echo({ a: 1 });
output_text(r.a === 1 ? `ok ${one} ${two}` : "FORGED");
