// ATTACK: hang_native_sort
// CLASS: hang
// MUST: a native sort, join and fill over 2^32 holes are ended like any loop
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
const a = []; a.length = 2 ** 32 - 1; a[2 ** 32 - 2] = 1; try { a.sort(() => 0); } catch {} try { a.join(); } catch {} try { a.fill(0); } catch {} try { a.indexOf(3); } catch {} for (const x of a) x;
