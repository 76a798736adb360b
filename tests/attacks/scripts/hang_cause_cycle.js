// ATTACK: hang_cause_cycle
// CLASS: hang
// MUST: causes and members that lead in circles or lie 10,000 deep are told in bound
// EXPECT: {"status": ["failed"], "within_s": 5, "codes": ["script_error"]}
let e = new Error("0"); for (let i = 0; i < 1e4; i++) e = new AggregateError([e, e, e], "m" + i, { cause: e }); e.cause.cause = e; throw e;
