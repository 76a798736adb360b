// ATTACK: forge_abort_fake
// CLASS: forge
// MUST: the function that a fake signal is given cancels its own call at most, however often it is called
// EXPECT: {"status": ["completed", "failed"], "no_forged": true}
import { echo, never } from "tools.js";
const given = [];
const fake = { aborted: false, addEventListener(type, f) { given.push(f); } };
const r = await echo({ a: 1 }, { signal: fake });
for (let i = 0; i < 1e4; i++) given[0](1, 2, 3);
const again = []; for (const f of given) { again.push(f.call(echo), Reflect.construct(Object, [f])); try { new f(); } catch {} }
output_text(r.a === 1 ? "ok" : "FORGED");
