// ATTACK: reach_console
// CLASS: reach
// MUST: the console's methods, formats and labels reach nothing and never throw for what they are given
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const odd = [null, undefined, Symbol("s"), 10n, -0, NaN, () => {}, new Proxy({}, {}), new Proxy([], {}), Object.create(null), new Date(NaN), "%s%d%i%f%j%o%O%c%%%x%", { toString: null }, { get a() { throw 1; } }, [, 1], new Error("x"), new Map([[{}, new Set([1])]]), "\ud800\0\u2028", new Array(1e6), "__proto__", "constructor", globalThis, console, tools];
let thrown = 0; for (const k of Object.keys(console)) if (k !== "table") for (const v of odd) for (const w of [undefined, ...odd.slice(0, 12)]) try { console[k](v, w); } catch (e) { thrown++; if (thrown < 4) output_text(k + " " + typeof v + " " + typeof w + " " + e); }
for (const v of odd) try { console.table(v); console.table([v], ["a"]); } catch (e) { if (e !== 1 && !(e instanceof Error)) thrown++; }
console.log(); console.assert(); console.assert(false); console.table(); console.groupEnd();
output_text(thrown === 0 ? "ok" : "thrown " + thrown);
