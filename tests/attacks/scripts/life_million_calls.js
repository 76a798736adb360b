// ATTACK: life_million_calls
// CLASS: lifecycle
// MUST: a million calls that nobody awaits end by the limit of calls, with every one answered
// EXPECT: {"status": ["failed"], "codes": ["call_limit", "cpu_limit", "memory_limit"], "worker_may_die": true}
for (let i = 0; i < 1e6; i++) tools.echo({ i });
