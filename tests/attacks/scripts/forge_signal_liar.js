// ATTACK: forge_signal_liar
// CLASS: forge
// MUST: a signal whose getters lie, throw or call tools harms its own call only
// EXPECT: {"status": ["completed"], "no_text": "FORGED", "expect_text": "ok"}
import { echo, sleep } from "tools.js";
const odd = [
  { get aborted() { throw new Error("no"); } }, { get aborted() { return true; } }, { aborted: false }, {}, [], new Proxy({}, {}),
  new Proxy({}, { get() { throw 1; } }), Object.create(AbortSignal.prototype), { aborted: false, addEventListener: 5 },
  { aborted: false, get addEventListener() { throw 2; } },
];
for (const signal of odd) try { await Promise.race([tools.never({}, { signal }), null]); } catch {}
for (const options of [5, "x", true, Symbol(), () => {}, { signal: 5 }, { signal: "s" }, { signal: null }, { get signal() { throw 3; } }]) try { await Promise.race([tools.never({}, options), null]); } catch {}
output_text("ok");
