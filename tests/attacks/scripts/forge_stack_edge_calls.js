// ATTACK: forge_stack_edge_calls
// CLASS: forge
// MUST: calls made where the stack ends are whole or not made, and every answer is that of its own call
// EXPECT: {"status": ["completed"], "no_text": "FORGED", "expect_text": "ok"}
const made = []; let budget = 2000;
const deep = (use) => { (function go() { try { go(); } catch {} if (budget-- > 0) try { use(budget); } catch {} })(); };
deep((n) => { made.push([n, tools.sleep({ ms: 0, name: "n" + n })]); });
let right = 0;
for (const [n, p] of made) try { if ((await p) === "n" + n) right++; else output_text("FORGED"); } catch (e) { if (!(e instanceof RangeError)) output_text("FORGED " + e); }
output_text(right > 0 ? "ok" : "none");
