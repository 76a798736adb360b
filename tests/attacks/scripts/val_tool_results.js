// ATTACK: val_tool_results
// CLASS: values
// MUST: results are fresh data: changing one changes no other, no stored value and no later answer
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_forged": true, "made": [{"a": {"b": [1]}}, {"a": {"b": [1]}}]}
const one = await tools.echo({ a: { b: [1] } }); one.a.b.push("FORGED_"); one.a = Object.freeze([]); Object.prototype.b = 5;
const two = await tools.echo({ a: { b: [1] } }); delete Object.prototype.b; store("k", two); two.a.b[0] = 9;
output_text(load("k").a.b[0] === 1 && two.a.b.length === 1 ? "ok" : "WRONG");
