// ATTACK: life_settings_odd
// CLASS: lifecycle
// MUST: settings of odd values throw a TypeError or are clamped; the cell goes on
// EXPECT: {"status": ["completed"], "expect_text": "ok 10"}
let refused = 0; for (const v of [NaN, -1, Infinity, "5", {}, null, undefined, 5n, [1], () => 1]) { try { set_yield_time(v); } catch { refused++; } try { set_max_output_tokens_per_exec_call(v); refused += 100; } catch {} }
set_yield_time(1e308); set_yield_time(0.5); set_max_output_tokens_per_exec_call(2 ** 31); set_yield_time(10_000); set_max_output_tokens_per_exec_call(10_000);
output_text("ok " + refused);
