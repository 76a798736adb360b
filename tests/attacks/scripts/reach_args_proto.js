// ATTACK: reach_args_proto
// CLASS: reach
// MUST: arguments named __proto__, constructor, self, ctx and the like arrive as plain data
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_forged": true, "made": [{"__proto__": {"x": 1}, "constructor": {"prototype": {"y": 1}}, "ctx": 4, "self": 3}]}
const r = await tools.echo(JSON.parse('{"__proto__": {"x": 1}, "constructor": {"prototype": {"y": 1}}, "self": 3, "ctx": 4}'));
output_text(Object.hasOwn(r, "__proto__") && {}.x === undefined && {}.y === undefined && r.self === 3 ? "ok" : "WRONG " + JSON.stringify(r));
