// ATTACK: forge_prepare_stack_trace
// CLASS: forge
// MUST: Error.prepareStackTrace cannot be replaced, deleted or shadowed, and gives call sites of the runner to nobody
// EXPECT: {"status": ["completed"], "no_text": "LEAK", "expect_text": "ok"}
const seen = [];
try { Error.prepareStackTrace = (e, sites) => { seen.push(...sites); return sites; }; } catch {}
try { Object.defineProperty(Error, "prepareStackTrace", { value: (e, s) => seen.push(...s) }); } catch {}
try { delete Error.prepareStackTrace; } catch {}
class E extends Error { static prepareStackTrace(e, s) { seen.push(...s); return s; } }
new E("x").stack; new TypeError("y").stack;
Object.defineProperty(Object.prototype, "prepareStackTrace", { value: (e, s) => seen.push(...s), configurable: true });
new Error("z").stack; try { store(1); } catch (e) { e.stack; }
const o = {}; Error.captureStackTrace(o, store); if (typeof o.stack !== "string") output_text("LEAK");
for (const fake of [[{}], [1], { length: 1, get 0() { throw 1; } }, new Proxy([], {})]) Error.prepareStackTrace(new Error("q"), fake);
Error.stackTraceLimit = 1e9; (function f(n) { if (n) f(n - 1); else new Error("d").stack; })(500);
Object.defineProperty(Error, "stackTraceLimit", { get() { for (;;); } }); new Error("l").stack;
output_text(seen.length === 0 ? "ok" : "LEAK");
