// ATTACK: life_after_completion
// CLASS: lifecycle
// MUST: timers, jobs, listeners and kept helpers do nothing after the end
// EXPECT: {"status": ["completed"], "within_s": 3, "no_text": "LATE"}
const late = () => { output_text("LATE"); store("late", 1); tools.echo({ late: 1 }); notify("LATE"); console.log("LATE"); yield_control(); setTimeout(late, 0); queueMicrotask(late); };
for (let i = 0; i < 5; i++) setTimeout(late, i); (async () => { for (let i = 0; i < 20; i++) await null; late(); })();
