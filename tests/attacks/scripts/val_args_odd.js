// ATTACK: val_args_odd
// CLASS: values
// MUST: arguments that are no object, or have no JSON form, reject as invalid_arguments before any call
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_forged": true, "made": []}
const cyclic = {}; cyclic.c = cyclic; let wrong = 0;
for (const v of [null, 5, "x", true, 10n, Symbol(), () => {}, [], [1], cyclic, { b: 1n }, { toJSON: () => undefined }, { toJSON() { throw new Error("t"); } }, { toJSON() { throw null; } }, { get a() { throw { get message() { throw 7; } }; } }, new Proxy({}, { ownKeys() { throw 1; } }), Object(1n)]) try { await tools.echo(v); wrong++; } catch (e) { if (e.code !== "invalid_arguments" && e !== 7) { wrong++; output_text(String(e)); } }
output_text(wrong === 0 ? "ok" : "WRONG " + wrong);
