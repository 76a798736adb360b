// ATTACK: hang_sleep_for_ever
// CLASS: hang
// MUST: sleep and timers of 2^53 ms, and clocks that were patched, leave terminate and the wait in bound
// EXPECT: {"status": ["failed"], "terminable": true}
Math.max = Math.min = () => NaN; Date.now = () => NaN; setTimeout(() => {}, 2 ** 53); await sleep(2 ** 53);
