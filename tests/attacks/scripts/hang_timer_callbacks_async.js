// ATTACK: hang_timer_callbacks_async
// CLASS: hang
// MUST: a timer whose callback answers with a hostile thenable or never settles keeps nothing alive
// EXPECT: {"status": ["completed", "failed"], "within_s": 5}
setTimeout(() => ({ then() { for (let i = 0; i < 1e6; i++); } }), 1); setTimeout(async () => { await new Promise(() => {}); }, 1); setTimeout(() => ({ get then() { return 5; } }), 1); setTimeout(() => Promise.resolve(new Proxy({}, {})), 1); await sleep(50); output_text("end");
