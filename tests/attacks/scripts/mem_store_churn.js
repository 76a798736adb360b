// ATTACK: mem_store_churn
// CLASS: memory
// MUST: storing and removing for ever keeps the sum of bytes at nothing
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
for (let i = 0; i < 12; i++) { store("k" + i, "x".repeat(1e6)); store("k" + i, undefined); } output_text("ok");
