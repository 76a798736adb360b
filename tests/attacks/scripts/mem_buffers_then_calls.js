// ATTACK: mem_buffers_then_calls
// CLASS: memory
// MUST: the same with many small calls and stores
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "output_limit", "script_error", "cpu_limit", "call_limit"]}
const k = []; for (let n = 26; n > 15; ) try { k.push(new Uint8Array(2 ** n).fill(1)); } catch { n--; }
const all = []; for (let i = 0; i < 20_000; i++) { all.push(tools.echo({ i, s: "x".repeat(200) })); store("k" + (i % 50), "z".repeat(1000)); } output_text((await Promise.allSettled(all)).length);
