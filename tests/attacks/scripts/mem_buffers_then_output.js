// ATTACK: mem_buffers_then_output
// CLASS: memory
// MUST: output and calls made when memory is all but used up are kept, and the end is memory_limit, never a crash
// EXPECT: {"status": ["failed", "completed"], "worker_may_die": true, "codes": ["memory_limit", "output_limit", "script_error", "cpu_limit"]}
const k = []; try { for (let n = 26; n > 19; ) try { k.push(new Uint8Array(2 ** n).fill(1)); } catch { n--; } } catch {}
for (let i = 0; i < 12; i++) output_text("x".repeat(2 ** 20)); try { await tools.echo({ s: "y".repeat(10e6) }); } catch {}
