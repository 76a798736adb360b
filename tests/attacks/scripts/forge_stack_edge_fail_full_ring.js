// ATTACK: forge_stack_edge_fail_full_ring
// CLASS: forge
// MUST: the same where the ring has room for the first record of a failure and not for the second
// EXPECT: {"status": ["completed", "failed"], "within_s": 5}
const target = new EventTarget();
target.addEventListener("x", () => { throw new Error("listener"); });
const event = new Event("x");
const fill = () => { output_text("x".repeat(1024 * 1024 - 3 - 5)); };
fill();
let budget = 3000;
(function go() { try { go(); } catch {} if (budget-- > 0) try { target.dispatchEvent(event); } catch {} })();
output_text("end");
