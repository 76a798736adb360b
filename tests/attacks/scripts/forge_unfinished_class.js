// ATTACK: forge_unfinished_class
// CLASS: forge
// MUST: an unfinished class and a decorator take nothing of the wrapper into themselves
// EXPECT: {"status": ["failed"], "no_forged": true, "codes": ["syntax_error"]}
class A { static { output_text("FORGED") } x = `${1
