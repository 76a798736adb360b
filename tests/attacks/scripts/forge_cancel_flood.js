// ATTACK: forge_cancel_flood
// CLASS: forge
// MUST: a fake signal that cancels one open call 50,000 times cancels it once
// EXPECT: {"status": ["completed"], "expect_text": "cancelled"}
import { never } from "tools.js";
let cancel;
const p = never({}, { signal: { aborted: false, addEventListener(_, f) { cancel = f; } } });
for (let i = 0; i < 5e4; i++) cancel();
try { await p; } catch (e) { output_text(e.code); }
