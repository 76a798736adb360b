// ATTACK: forge_stack_edge_fail
// CLASS: forge
// MUST: a listener that throws where the stack ends fails the cell or is told a RangeError; the cell ends either way
// EXPECT: {"status": ["completed", "failed"], "within_s": 5}
let budget = 3000;
const deep = (use) => { (function go() { try { go(); } catch {} if (budget-- > 0) try { use(); } catch {} })(); };
const target = new EventTarget();
target.addEventListener("x", () => { throw new Error("listener"); });
deep(() => target.dispatchEvent(new Event("x")));
output_text("end");
