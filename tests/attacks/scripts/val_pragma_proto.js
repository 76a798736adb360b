// @exec: {"__proto__": {"yield_time_ms": 1}, "constructor": 1}
// ATTACK: val_pragma_proto
// CLASS: values
// MUST: a pragma of unknown names is a syntax error that names one
// EXPECT: {"status": ["failed"], "codes": ["syntax_error"], "within_s": 5}
output_text("ran");
