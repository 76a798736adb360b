// ATTACK: forge_dynamic_import
// CLASS: forge
// MUST: import() of odd specifiers rejects or gives a frozen module, from eval and new Function too, and reads no file
// EXPECT: {"status": ["completed"], "no_text": "LEAK", "expect_text": "ok"}
const odd = ["", " ", "/etc/passwd", "file:///etc/passwd", "./tools.js", "tools.js?x", "node:fs", "data:text/javascript,export default 1", "__proto__", "constructor", "toString", "codemode/../tools.js", "\0", "\ud800", "x".repeat(1e6), 1, null, undefined, {}, [], Symbol("s"), { toString() { throw 1; } }];
let got = 0;
for (const s of odd) try { await import(s); got++; } catch {}
for (const text of ["import('tools.js')", "import('/etc/passwd')", "import('node:fs')"]) { try { await (0, eval)(text); got++; } catch {} try { await new Function("return " + text)(); got++; } catch {} try { await eval(text); got++; } catch {} }
const m = await import("tools.js"); if (!Object.isFrozen(m)) got++;
output_text(got === 0 ? "ok" : "LEAK " + got);
