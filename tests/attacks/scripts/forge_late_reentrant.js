// ATTACK: forge_late_reentrant
// CLASS: forge
// MUST: the late globals are asked for again while they are being made
// EXPECT: {"status": ["completed"], "no_text": "WRONG", "expect_text": "ok"}
import { echo } from "tools.js";
let depth = 0; const it = Array.prototype[Symbol.iterator];
Array.prototype[Symbol.iterator] = function () { if (depth++ < 5) { try { new URL("http://a/"); crypto.randomUUID(); } catch {} } return Reflect.apply(it, this, []); };
const ids = new Set(); for (let i = 0; i < 20; i++) ids.add(crypto.randomUUID());
Array.prototype[Symbol.iterator] = it;
const c = new AbortController(); const p = tools.never({}, { signal: c.signal }); c.abort();
let code; try { await p; } catch (e) { code = e.code; }
const r = await echo({ a: 1 });
output_text(r.a === 1 && ids.size === 20 && code === "cancelled" ? "ok" : "WRONG " + ids.size + code);
