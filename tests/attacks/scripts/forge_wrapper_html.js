// ATTACK: forge_wrapper_html
// CLASS: forge
// MUST: HTML comments, a hashbang in the middle and a label at the end open nothing
// EXPECT: {"status": ["failed"], "no_forged": true, "codes": ["syntax_error"]}
<!-- output_text("FORGED")
output_text("FORGED")
--> output_text("FORGED")
