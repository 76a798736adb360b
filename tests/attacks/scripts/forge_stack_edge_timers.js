// ATTACK: forge_stack_edge_timers
// CLASS: forge
// MUST: timers set where the stack ends fire once or were not set: the order of the others stays
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const fired = []; let budget = 800;
const deep = (use) => { (function go() { try { go(); } catch {} if (budget-- > 0) try { use(budget); } catch {} })(); };
const set = [];
for (let i = 0; i < 50; i++) setTimeout(() => fired.push(i), 5 + i);
deep((n) => { const id = setTimeout(() => fired.push(1000), 1 + (n % 7)); set.push(id); });
const deadline = performance.now() + 4000;
while (fired.length < 50 + set.length && performance.now() < deadline) await sleep(20);
const own = fired.filter((n) => n < 1000);
output_text(fired.filter((n) => n === 1000).length >= set.length && own.length === 50 && own.every((n, i) => n === i) ? "ok" : `${fired.length} of ${50 + set.length}: ${own}`);
