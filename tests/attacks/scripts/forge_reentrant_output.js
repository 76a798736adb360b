// ATTACK: forge_reentrant_output
// CLASS: forge
// MUST: output, notes, calls and stores made inside the toString and toJSON of an output are whole and in order
// EXPECT: {"status": ["completed"], "expect_text": "inner\nouter"}
output_text({ toJSON() { output_text("inner"); notify("n"); store("k", 1); yield_control(); return undefined; }, toString() { return "outer"; } });
