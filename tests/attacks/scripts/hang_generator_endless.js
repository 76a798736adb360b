// ATTACK: hang_generator_endless
// CLASS: hang
// MUST: as_settled, AbortSignal.any, transfer and console.table of what never ends are ended like any loop
// EXPECT: {"status": ["failed"], "terminable": true, "worker_may_die": true}
const endless = { [Symbol.iterator]() { return { next() { return { done: false, get value() { return 1; } }; } }; } };
try { as_settled(endless); } catch {} try { structuredClone(1, { transfer: endless }); } catch {} AbortSignal.any(endless);
