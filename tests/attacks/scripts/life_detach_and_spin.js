// ATTACK: life_detach_and_spin
// CLASS: lifecycle
// MUST: a script that yields at once and then spins is ended by terminate or a limit, with its output kept
// EXPECT: {"status": ["failed"], "terminable": true, "expect_text": "said"}
output_text("said"); yield_control(); for (;;) {}
