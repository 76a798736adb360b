// ATTACK: hang_intl
// CLASS: hang
// MUST: endless work inside Intl is ended like any loop
// EXPECT: {"status": ["failed", "completed"], "terminable": true, "worker_may_die": true}
const s = "สวัสดี👩‍👩‍👧‍👦 ".repeat(2e5); for (let i = 0; i < 50; i++) { for (const part of new Intl.Segmenter("th", { granularity: "word" }).segment(s)) part.index; new Intl.Collator("zh").compare(s, s + i); }
