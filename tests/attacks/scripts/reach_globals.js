// ATTACK: reach_globals
// CLASS: reach
// MUST: no global of a host, a shell or an embedder stands in the realm
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_text": "LEAK"}
const bad = ["process", "require", "module", "exports", "__dirname", "global", "Buffer", "Deno", "Bun", "window", "self", "importScripts", "fetch", "XMLHttpRequest", "WebSocket", "gc", "print", "read", "load_", "quit", "d8", "os", "std", "scriptArgs", "__timer_manager", "codemode", "_v8runtime", "v8debug", "natives", "port", "Worker", "MessageChannel", "setImmediate", "navigator", "location", "indexedDB", "python", "py", "__py__"];
const found = bad.filter((n) => n in globalThis); try { eval("%GetHeapUsage()"); found.push("natives"); } catch {}
for (const g of [globalThis, (0, eval)("this"), Function("return this")(), (async () => {}).constructor("return this")()]) { const t = await g; if (t !== globalThis) found.push("other global"); }
output_text(found.length === 0 ? "ok" : "LEAK " + found);
