// ATTACK: forge_wrapper_close_paren
// CLASS: forge
// MUST: the same with the closing parentheses of a call, an arrow and a template
// EXPECT: {"status": ["failed"], "no_forged": true, "codes": ["syntax_error"]}
1})()}));output_text("FORGED");((async()=>{`${(()=>{
