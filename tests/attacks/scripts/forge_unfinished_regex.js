// ATTACK: forge_unfinished_regex
// CLASS: forge
// MUST: an unfinished regular expression, a string and a comment end at the script's end
// EXPECT: {"status": ["failed"], "no_forged": true, "codes": ["syntax_error"]}
output_text("FORGED"); const r = /[}]catch/.test("") || /(((
