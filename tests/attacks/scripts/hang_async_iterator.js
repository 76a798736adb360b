// ATTACK: hang_async_iterator
// CLASS: hang
// MUST: as_settled with hostile next, return and thenables yields or fails, and never waits inside the runner
// EXPECT: {"status": ["completed", "failed"], "within_s": 5}
const gen = as_settled([{ then() {} }, { then(a) { a({ then() {} }); } }, Promise.reject(1), { get then() { throw 2; } }, 5]);
output_text(await gen.next()); output_text(await gen.next()); output_text(await gen.next());
gen.return({ then() { throw 3; } }).catch(() => {}); try { await gen.throw(4); } catch {} await gen.next();
