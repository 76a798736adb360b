// ATTACK: life_calls_at_exit
// CLASS: lifecycle
// MUST: calls open, waiting and cancelled when exit() is called are all answered, and none is made later
// EXPECT: {"status": ["completed"], "within_s": 5}
const c = new AbortController(); for (let i = 0; i < 3000; i++) tools.never({}, i % 3 ? undefined : { signal: c.signal }); c.abort(); await sleep(5); exit();
