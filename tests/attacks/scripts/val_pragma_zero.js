// @exec: {"yield_time_ms": 0, "max_output_tokens": 0}
// ATTACK: val_pragma_zero
// CLASS: values
// MUST: the smallest settings yield at once and show nothing, and the script goes on to its end
// EXPECT: {"status": ["completed"], "within_s": 5, "expect_text": "end"}
await sleep(20); output_text("end");
