// ATTACK: val_lone_surrogates_flood
// CLASS: values
// MUST: 3 million lone surrogates come out as U+FFFD, and hold up nobody while they do
// EXPECT: {"status": ["completed"], "within_s": 20, "expect_text": "\ufffd\ufffd\ufffd"}
text("\ud83d".repeat(3 * 1024 * 1024));
console.log("\udc00".repeat(1024 * 1024));
