// ATTACK: life_thrown_twice
// CLASS: lifecycle
// MUST: of many failures at once the first one counts
// EXPECT: {"status": ["failed"], "codes": ["script_error"]}
for (let i = 0; i < 100; i++) queueMicrotask(() => { throw new Error("job " + i); }); setTimeout(() => { throw 1; }, 0); throw new Error("first");
