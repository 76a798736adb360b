// ATTACK: forge_reentrant_tojson
// CLASS: forge
// MUST: tools called, stored, said and cancelled inside the toJSON of an argument are calls of their own, each with its own answer
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok 1 2 3", "made": [{"n": 1}, {"n": 2}, {"n": 3}]}
import { echo } from "tools.js";
const inner = [];
const p = echo({ n: 3, get x() { inner.push(echo({ get n() { inner.push(echo({ n: 1 })); store("s", 1); console.log("l"); return 2; } })); return undefined; } });
const [two, one] = await Promise.all([...inner].reverse()), three = await p;
const ns = [one, two].map((r) => r.n).sort();
output_text("ok " + ns.join(" ") + " " + three.n);
