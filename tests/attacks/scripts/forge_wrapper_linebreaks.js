// ATTACK: forge_wrapper_linebreaks
// CLASS: forge
// MUST: U+2028, U+2029, CR and NEL in strings and comments move no line of the wrapper
// EXPECT: {"status": ["failed", "completed"], "no_forged": true}
// a output_text("FORGED A") is not run where NEL ends no line
const s = "  "; /*   */ const t = `\r`;
//
throw new Error("line 4 or more");
