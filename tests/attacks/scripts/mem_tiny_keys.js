// ATTACK: mem_tiny_keys
// CLASS: memory
// MUST: 50,000 stored keys of three letters are refused or held in bounded memory
// EXPECT: {"status": ["completed", "failed"], "worker_may_die": true}
for (let i = 0; i < 5e4; i++) store(i.toString(36), 1);
