// ATTACK: hang_bigint_text
// CLASS: hang
// MUST: the decimal digits of a bigint of 33 million bits are made or not, and the exec answers
// EXPECT: {"status": ["failed", "completed"], "terminable": true}
output_text(2n ** (1n << 25n)); console.log(3n ** (1n << 22n)); store("k", 1n << (1n << 29n));
