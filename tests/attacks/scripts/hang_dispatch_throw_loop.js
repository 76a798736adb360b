// ATTACK: hang_dispatch_throw_loop
// CLASS: hang
// MUST: listeners that throw for ever fail the cell at the first
// EXPECT: {"status": ["failed"], "within_s": 5, "codes": ["script_error"]}
const t = new EventTarget(); t.addEventListener("x", () => { t.dispatchEvent(new Event("x")); throw new Error("one"); }); t.dispatchEvent(new Event("x")); for (;;) t.dispatchEvent(new Event("x"));
