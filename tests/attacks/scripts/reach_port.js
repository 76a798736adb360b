// ATTACK: reach_port
// CLASS: reach
// MUST: nothing of the port, the ring or the wire can be called by a script
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_text": "LEAK"}
const seen = new Set(); let leak = "";
const look = (v, path) => { if ((typeof v !== "object" && typeof v !== "function") || v === null || seen.has(v)) return; seen.add(v); for (const k of Reflect.ownKeys(v)) { const d = Object.getOwnPropertyDescriptor(v, k); if (/^(ring|answers|stored|alone|lastCall|fault|place|script|cell)$/.test(String(k)) && !/Intl|Symbol/.test(path)) leak += ` ${path}.${String(k)}`; look(d.value, path + "." + String(k)); look(d.get, path + ".get " + String(k)); look(d.set, path); } look(Object.getPrototypeOf(v), path + ".__proto__"); };
look(globalThis, "globalThis"); for (const v of Object.values(await import("codemode"))) look(v, "codemode"); look(await import("tools.js"), "tools.js"); look(tools.echo({}), "call"); look(new AbortController(), "controller"); look(as_settled([1]), "settled"); look(sleep(1), "sleep"); try { await tools.fail({}); } catch (e) { look(e, "error"); }
output_text(leak === "" ? "ok" : "LEAK" + leak);
