// ATTACK: hang_regex_apis
// CLASS: hang
// MUST: matchAll, replace, split and search with a slow expression are ended like any loop
// EXPECT: {"status": ["failed", "completed"], "terminable": true}
const s = "a".repeat(60_000) + "!"; for (const f of [() => [...s.matchAll(/(a|a)*\1$/g)], () => s.replace(/(a+)+\1$/g, ""), () => s.split(/(a*)*\1b/), () => s.search(/(?=(a+))\1+b/)]) f();
