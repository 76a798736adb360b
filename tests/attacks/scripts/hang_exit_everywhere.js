// ATTACK: hang_exit_everywhere
// CLASS: hang
// MUST: exit() in the toString of an output, a getter of options, a trap, an iterator and a listener ends the script at the first
// EXPECT: {"status": ["completed"], "within_s": 3, "no_text": "LATE"}
const t = new EventTarget(); t.addEventListener("x", { get handleEvent() { output_text({ toJSON() { as_settled({ get [Symbol.iterator]() { sleep({ [Symbol.toPrimitive]() { exit(); } }); } }); } }); } });
t.dispatchEvent(new Event("x")); output_text("LATE");
