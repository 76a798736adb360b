// ATTACK: forge_reentrant_timers
// CLASS: forge
// MUST: timers that clear, set and fire themselves from their own callbacks fire as often as they say
// EXPECT: {"status": ["completed"], "expect_text": "ok 3 1 0"}
let every = 0, once = 0, never = 0;
const i = setInterval(() => { if (++every === 3) { clearInterval(i); clearInterval(i); } }, 1);
const t = setTimeout(function f() { clearTimeout(t); once++; clearTimeout(t); }, 1);
const n = setTimeout(() => { never++; }, 5000);
setTimeout(() => clearTimeout(n), 1);
const many = Array.from({ length: 5000 }, () => setTimeout(() => { never++; }, 5000));
for (const id of many.reverse()) clearTimeout(String(id));
while (every < 3 || once < 1) await sleep(10);
await sleep(20);
output_text(`ok ${every} ${once} ${never}`);
