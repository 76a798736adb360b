// ATTACK: hang_wait_for_nothing
// CLASS: hang
// MUST: a promise that nothing can settle fails at once as stalled, also after a million jobs
// EXPECT: {"status": ["failed"], "within_s": 5, "codes": ["stalled"]}
for (let i = 0; i < 1e5; i++) await i; clearTimeout(setTimeout(() => {}, 1e6)); await new Promise(() => {});
