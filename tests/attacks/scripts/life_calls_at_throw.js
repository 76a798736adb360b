// ATTACK: life_calls_at_throw
// CLASS: lifecycle
// MUST: the same where the script throws in the same breath
// EXPECT: {"status": ["failed"], "within_s": 5, "codes": ["script_error"]}
for (let i = 0; i < 3000; i++) tools.never({}); throw new Error("end");
