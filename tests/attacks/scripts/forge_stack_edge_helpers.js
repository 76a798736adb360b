// ATTACK: forge_stack_edge_helpers
// CLASS: forge
// MUST: every helper called over all remaining depths leaves counters, ring and ids intact
// EXPECT: {"status": ["completed"], "expect_text": "ok 7"}
const c = new AbortController();
const uses = [() => output_text(""), () => store("k", { a: [1] }), () => load("k"), () => console.log("%o", { a: new Map([[1, 2]]) }), () => notify(1),
  () => structuredClone({ a: [new Date(0)] }), () => setTimeout(() => {}, 1), () => new URL("http://a/b?c#d").searchParams.get("c"), () => clearTimeout(setTimeout(() => {}, 1)),
  () => new TextDecoder().decode(new TextEncoder().encode("é")), () => set_yield_time(10000), () => crypto.randomUUID(), () => AbortSignal.any([c.signal]), () => search_tools("echo"),
  () => describe_tool("echo"), () => as_settled([1]), () => atob(btoa("x")), () => console.table([[1]]), () => output_content({ type: "x", y: 1 }), () => new Event("x"), () => sleep(1), () => tools.nope, () => console.time("x"), () => console.group()];
for (const use of uses) { let budget = 120; (function go() { try { go(); } catch {} if (budget-- > 0) try { use(); } catch {} })(); }
for (let i = 0; i < 10000; i++) console.groupEnd();
const r = await tools.sleep({ ms: 1, name: "7" });
output_text("ok " + r);
