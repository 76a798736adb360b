// ATTACK: hang_date_loop
// CLASS: hang
// MUST: waiting by the clock is ended like any loop, whatever Date is replaced by
// EXPECT: {"status": ["failed"], "terminable": true}
const t = Date.now(); Date.now = () => t; performance.now = () => 0; globalThis.Date = class { static now() { return 0; } }; while (Date.now() < 1) ;
