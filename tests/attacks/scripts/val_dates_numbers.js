// ATTACK: val_dates_numbers
// CLASS: values
// MUST: numbers, dates and strings at their limits reach a tool and come back as JSON has them
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const r = await tools.echo({ n: [NaN, Infinity, -0, 1e308, 5e-324, 2 ** 53, -(2 ** 53) - 2, 0.1], d: new Date(0), u: undefined, s: "\ud800\0\u2028", k: { "\ud800": 1 } });
output_text(r.n[0] === null && r.n[3] === 1e308 && r.d === "1970-01-01T00:00:00.000Z" && r.s === "\ufffd\0\u2028" && !("u" in r) ? "ok" : "WRONG " + JSON.stringify(r));
