// ATTACK: forge_error_constructor
// CLASS: forge
// MUST: the errors that the runner throws lead to nothing but the script's own Function
// EXPECT: {"status": ["completed"], "no_text": "LEAK", "expect_text": "ok"}
const errors = [];
for (const f of [() => store(1), () => load(1), () => output_image(1), () => set_yield_time(-1), () => new AbortSignal(), () => structuredClone(() => {}), () => new URL("x"), () => describe_tool("x"), () => setTimeout(1)]) try { f(); } catch (e) { errors.push(e); }
try { await tools.fail({}); } catch (e) { errors.push(e); }
try { await tools.nope(); } catch (e) { errors.push(e); }
try { await import("nope.js"); } catch (e) { errors.push(e); }
for (const e of errors) {
  const g = e.constructor.constructor("return this")();
  if (g !== globalThis || /codemode:runner|runner\.js/.test(e.stack + e.message) || typeof g.process !== "undefined") output_text("LEAK");
  for (const k of Reflect.ownKeys(e)) if (!["stack", "message", "code", "tool", "callId", "cause", "input"].includes(String(k))) output_text("LEAK " + String(k));
}
output_text("ok");
