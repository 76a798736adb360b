// ATTACK: reach_files
// CLASS: reach
// MUST: no error, stack or source tells a path, a process id or an environment of the machine
// EXPECT: {"status": ["completed"], "expect_text": "ok", "no_text": "LEAK"}
const said = []; for (const f of [() => import("file:///etc/passwd"), () => import("../x.js"), () => eval("import('node:os')"), () => tools.fail({}), () => tools.echo(5), () => tools.nope({}), () => { throw new Error("x"); }]) try { said.push(await f()); } catch (e) { said.push(String(e), e.stack, e.message, JSON.stringify(e)); }
output_text(/\/(usr|home|root|tmp|work|etc\/[a-o]|opt|proc)\/|\.py\b|site-packages|Traceback/.test(said.join("\n")) ? "LEAK " + said.join("\n") : "ok");
