// ATTACK: forge_unfinished
// CLASS: forge
// MUST: what is left unfinished takes nothing of the wrapper into itself
// EXPECT: {"status": ["failed"], "no_forged": true, "codes": ["syntax_error"]}
const f = async () => { await 1; output_text("FORGED"
