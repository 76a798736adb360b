// Nested calls and the modules they come by.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run, texts } from "./engine.js";
import { runRead } from "./read.js";

const saidTexts = (said) => said.filter(([kind]) => kind === "TEXT").map(([, text]) => text);
const ids = (said) => said.filter(([kind]) => kind === "CALL").map(([, id]) => id);
const failure = (id, code = "tool_failed") => ({ code, message: "it broke", callId: `c${id}`, tool: "get" });

test("a call goes out with its arguments, and comes back with its value", async () => {
  const engine = new Engine({ lastCall: 70_000 });
  assert.deepEqual(await engine.run('text(await tools.get({a: "é"})); text(await tools.raw("r"));'), [
    ["CALL", 70_001, "get", '{"a":"é"}'],
  ]);
  assert.equal(engine.port.state, -1);
  assert.deepEqual(await engine.answer([70_001, 0, { ok: [1] }]), [["TEXT", '{"ok":[1]}'], ["CALL", 70_002, "raw", '"r"']]);
  assert.deepEqual(await engine.answer([70_002, 0, null]), [["TEXT", "null"], ["COMPLETED"]]);
  assert.equal(engine.port.lastCall, 70_002);
});

test("answers settle by their ids, in whatever order they come", async () => {
  const engine = new Engine();
  await engine.run("await Promise.all([1, 2, 3].map(async (n) => text(n + ':' + await tools.get({n}))));");
  assert.deepEqual(saidTexts(await engine.answer([3, 0, "c"], [1, 0, "a"])), ["3:c", "1:a"]);
  assert.deepEqual(saidTexts(await engine.answer([2, 0, "b"])), ["2:b"]);
});

test("an answer that nobody waits for is dropped, and so is a second one", async () => {
  const engine = new Engine();
  await engine.run("text(await tools.get()); text(await tools.get());");
  assert.deepEqual(saidTexts(await engine.answer([9, 0, "?"], [1, 0, "first"], [1, 0, "again"], ["__proto__", 0, 1])), ["first"]);
  assert.deepEqual(saidTexts(await engine.answer([1, 1, failure(1)])), []);
  assert.deepEqual(saidTexts(await engine.answer([2, 0, "second"])), ["second"]);
});

test("no more calls are in flight than may be; the rest wait their turn, and all are answered", async () => {
  const engine = new Engine();
  const flight = ids(await engine.run("const r = await Promise.all(Array.from({length: 20}, (_, n) => tools.get({n}))); text(r);"));
  assert.deepEqual(flight, [1, 2, 3, 4]);
  const answered = [];
  const said = [];
  while (flight.length > 0) {
    const id = flight.pop();
    answered.push(id);
    const more = await engine.answer([id, 0, id]);
    said.push(...more);
    flight.push(...ids(more));
    assert.ok(flight.length <= 4);
  }
  assert.deepEqual(answered.toSorted((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i + 1));
  assert.deepEqual(said.at(-1), ["COMPLETED"]);
});

test("a script that makes too many calls ends there, and cannot catch it", async () => {
  const said = await runRead("try { for (;;) tools.get().catch(() => {}); } finally { text('ran on'); }", { maxCalls: 3, maxCallsInFlight: 2 });
  assert.deepEqual(said.map((record) => record[0]), ["CALL", "CALL", "FAILED"]);
  assert.equal(said[2][1].code, "call_limit");
});

test("a failed call rejects with a ToolError, at the script's own line, and harms no sibling", async () => {
  const engine = new Engine();
  await engine.run(`const sibling = tools.get();
try { await tools.get({}); } catch (e) {
  text([e instanceof Error, e.name, e.message, e.code, e.tool, e.callId].join());
  text(e.stack);
}
text(await sibling);`);
  const said = saidTexts(await engine.answer([2, 1, failure(2, "denied")], [1, 0, "fine"]));
  assert.equal(said[0], "true,ToolError,it broke,denied,get,c2");
  assert.match(said[1], /^ToolError: it broke\n {4}at async cell-1\.js:2:7$/);
  assert.equal(said[2], "fine");
});

test("a failed call that nobody caught fails the cell with its position", async () => {
  const engine = new Engine();
  await engine.run("\n  await tools.get();");
  const [failing, [, failed]] = await engine.answer([1, 1, failure(1)]);
  assert.deepEqual(failing, ["FAILING"]);
  assert.deepEqual([failed.message, failed.line, failed.column], ["ToolError: it broke", 2, 3]);
});

for (const [given, why] of [
  ["1", "takes one argument, an object"], ["null", "takes one argument, an object"], ["[]", "takes one argument, an object"],
  ["{toJSON: () => undefined}", "takes one argument, an object"], ["{n: 1n}", "the argument has no JSON form"],
  ["{toJSON() { throw new Error('mine'); }}", "the argument has no JSON form: mine"], ["{s: 'x'.repeat(1000)}", "at most 1000 are taken"],
]) {
  test(`get(${given}) is refused with invalid_arguments, and no call is made`, async () => {
    const engine = new Engine();
    const said = await engine.run(`const e = await tools.get(${given}).catch((e) => e); text(e.code); text(e.message); text(e.callId); await new Promise(() => {});`);
    assert.equal(said[0][1], "invalid_arguments");
    assert.ok(said[1][1].includes(why), said[1][1]);
    assert.equal(said.length, 3);
    assert.equal(engine.port.state, -2);
  });
}

test("a free-form tool takes a string and nothing else", async () => {
  assert.deepEqual(await texts("text((await tools.raw({}).catch((e) => e)).code);"), ["invalid_arguments"]);
});

const SIGNAL = "const signal = {aborted: false, addEventListener(_, f) { this.abort = f; }};";

test("a signal that aborts cancels the call that it was given to, once that is sent and while it is open", async () => {
  const engine = new Engine();
  const said = await engine.run(`${SIGNAL}
    const call = tools.get({}, {signal}).catch((e) => e); signal.abort(); text((await call).code); signal.abort(); text("end");`);
  assert.deepEqual(said, [["CALL", 1, "get", "{}", "abortable"], ["CANCEL", "1"]]);
  assert.deepEqual(await engine.answer([1, 1, failure(1, "cancelled")]), [["TEXT", "cancelled"], ["TEXT", "end"], ["COMPLETED"]]);
});

test("a call whose signal has aborted before is cancelled as soon as it is made", async () => {
  assert.deepEqual(await run("tools.get({}, {signal: {aborted: true}}); await new Promise(() => {});"), [
    ["CALL", 1, "get", "{}", "abortable"], ["CANCEL", "1"],
  ]);
});

test("calls wait their turn in order while those in flight have long arguments; one alone may be as long as it likes", async () => {
  const engine = new Engine({ maxArgumentUnitsInFlight: 20, maxCallsInFlight: 3 });
  const said = await engine.run("for (const n of [10, 30, 1, 2]) tools.get({ s: 'x'.repeat(n) }); text('on'); await new Promise(() => {})");
  const call = (id, n) => ["CALL", id, "get", JSON.stringify({ s: "x".repeat(n) })];
  assert.deepEqual(said, [call(1, 10), ["TEXT", "on"]]);
  assert.deepEqual(await engine.answer([1, 0, 0]), [call(2, 30)]);
  assert.deepEqual(await engine.answer([2, 0, 0]), [call(3, 1), call(4, 2)]);
});

test("a call whose signal aborts while it waits for its turn is never made, and its siblings are", async () => {
  const engine = new Engine({ maxCallsInFlight: 1 });
  const said = await engine.run(`${SIGNAL}
    const first = tools.get({n: 1}); const gone = tools.get({n: 2}, {signal}); const third = tools.get({n: 3});
    signal.abort(); signal.abort();
    const e = await gone.catch((e) => e); text([e.name, e.code, e.callId].join()); await first; await third;`);
  assert.deepEqual(said, [["CALL", 1, "get", '{"n":1}'], ["TEXT", "ToolError,cancelled,"]]);
  assert.deepEqual(await engine.answer([1, 0, 0]), [["CALL", 2, "get", '{"n":3}']]);
  assert.deepEqual(await engine.answer([2, 0, 0]), [["COMPLETED"]]);
});

test("an AbortSignal cancels its calls: before any listener, in flight and waiting, and once it has timed out", async () => {
  const engine = new Engine({ maxCallsInFlight: 2 });
  const said = await engine.run(`
    const c = new AbortController();
    c.signal.addEventListener("abort", () => text("listener"));
    const failed = (name) => (e) => text(name + ":" + e.name + ":" + e.code);
    const aborted = tools.get({n: 1}, {signal: AbortSignal.abort()}).catch(failed("aborted"));
    const flying = tools.get({n: 2}, {signal: AbortSignal.any([c.signal])}).catch(failed("flying"));
    const waiting = tools.get({n: 3}, {signal: c.signal}).catch(failed("waiting"));
    const timed = tools.get({n: 4}, {signal: AbortSignal.timeout(50)}).catch(failed("timed"));
    await null; c.abort(); await Promise.all([aborted, flying, waiting, timed]);`);
  assert.deepEqual(said, [
    ["CALL", 1, "get", '{"n":1}', "abortable"], ["CANCEL", "1"], ["CALL", 2, "get", '{"n":2}', "abortable"],
    ["CANCEL", "2"], ["TEXT", "listener"], ["TEXT", "waiting:ToolError:cancelled"],
  ]);
  assert.ok(engine.port.state > 0);
  assert.deepEqual(await engine.answer([1, 1, failure(1, "cancelled")], [2, 1, failure(2, "cancelled")]), [
    ["CALL", 3, "get", '{"n":4}', "abortable"], ["TEXT", "aborted:ToolError:cancelled"], ["TEXT", "flying:ToolError:cancelled"],
  ]);
  assert.deepEqual(await engine.tick(1000), [["CANCEL", "3"]]);
  assert.deepEqual(await engine.answer([3, 1, failure(3, "cancelled")]), [["TEXT", "timed:ToolError:cancelled"], ["COMPLETED"]]);
});

test("a signal that aborts after its calls were answered says nothing of them", async () => {
  const engine = new Engine({ maxCalls: 10_000 });
  await engine.run("const c = new AbortController(); for (let i = 0; i < 1000; i++) await tools.get({}, {signal: c.signal}); c.abort(); text('end');");
  for (let i = 1; i < 1000; i++) await engine.answer([i, 0, 0]);
  assert.deepEqual(await engine.answer([1000, 0, 0]), [["TEXT", "end"], ["COMPLETED"]]);
});

test("what a script does to the classes of signals keeps no call from being cancelled", async () => {
  const engine = new Engine();
  const said = await engine.run(`
    const c = new AbortController(); const {abort} = c;
    const boom = () => { throw new Error("boom"); };
    for (const C of [AbortSignal, EventTarget, Event, Set, Map]) for (const k of Reflect.ownKeys(C.prototype)) try { Object.defineProperty(C.prototype, k, {get: boom, set: boom}); } catch {}
    tools.get({}, {signal: c.signal}).catch(() => {}); abort.call(c); await new Promise(() => {});`);
  assert.deepEqual(said, [["CALL", 1, "get", "{}", "abortable"], ["CANCEL", "1"]]);
});

for (const [signal, kind] of [
  ["{}", "TypeError"], ["1", "TypeError"], ["'x'", "TypeError"], ["Object.create(AbortSignal.prototype)", "TypeError"],
  ["{get aborted() { throw new RangeError('mine'); }}", "RangeError"], ["{addEventListener() { throw new RangeError('mine'); }}", "RangeError"],
]) {
  test(`a call with the signal ${signal} rejects with a ${kind}, and the runner goes on`, async () => {
    const engine = new Engine();
    const said = await engine.run(`text((await tools.get({}, {signal: ${signal}}).catch((e) => e)).name); text(await tools.get());`);
    assert.deepEqual(saidTexts(said), [kind]);
    const next = ids(said).at(-1);
    assert.deepEqual(saidTexts(await engine.answer([next, 0, "fine"])), ["fine"]);
  });
}

test("one signal cancels thousands of waiting calls without going through them again for each", async () => {
  const engine = new Engine({ maxCallsInFlight: 1, maxCalls: 100_000 });
  const said = await engine.run(`
    const all = []; const signal = {aborted: false, addEventListener(_, f) { all.push(f); }};
    const calls = Array.from({length: 50_000}, () => tools.get({}, {signal}).catch((e) => e.code));
    await null; for (const abort of all) abort();
    text(new Set(await Promise.all(calls.slice(1))).size); await calls[0];`);
  assert.deepEqual(said, [["CALL", 1, "get", "{}", "abortable"], ["CANCEL", "1"], ["TEXT", "1"]]);
});

test("what is left running when the script has ended says nothing more: no call, no cancel, no output", async () => {
  const engine = new Engine({ maxCallsInFlight: 1 });
  const said = await engine.run(`${SIGNAL}
    tools.get({}, {signal}); tools.get({n: 2});
    (async () => { for (let i = 0; i < 20; i++) await null; tools.get({n: 3}); signal.abort(); text("t"); console.log("c"); store("k", 1); notify("n"); yield_control(); image("data:,"); })();`);
  assert.deepEqual(said, [["CALL", 1, "get", "{}", "abortable"], ["COMPLETED"]]);
  assert.deepEqual(await engine.answer([1, 0, 0]), []);
});

test("`tools` knows what it has, and a name that it lacks is a call that the host refuses", async () => {
  const engine = new Engine();
  const said = await engine.run(`
    text(Object.keys(tools)); text(["get" in tools, "nope" in tools, Object.isFrozen(tools)]);
    text([tools.then, tools.toJSON, tools.constructor, tools.hasOwnProperty, tools.__proto__, tools[Symbol.iterator]].every((v) => v === undefined));
    for (const change of [() => { tools.get = 1; }, () => { tools.x = 1; }, () => { delete tools.get; }, () => Object.setPrototypeOf(tools, {}), () => Object.defineProperty(tools, "x", {value: 1})]) {
      try { change(); text("changed"); } catch (e) { text(e.name); }
    }
    text(ALL_TOOLS); text(Object.isFrozen(ALL_TOOLS) && Object.isFrozen(ALL_TOOLS[0]));
    text(await Promise.resolve(tools) === tools);
    text((await tools.nope({a: 1}).catch((e) => e)).code);`);
  assert.deepEqual(said, [
    ["TEXT", '["get","raw","files__read"]'], ["TEXT", "[true,false,true]"], ["TEXT", "true"],
    ...Array(5).fill(["TEXT", "TypeError"]),
    ["TEXT", '[{"module":"tools.js","name":"get","description":"Gets."},{"module":"tools.js","name":"raw","description":"Takes text."},{"module":"tools/files.js","name":"read","description":"Reads."}]'],
    ["TEXT", "true"], ["TEXT", "true"], ["CALL", 1, "nope", "{}"],
  ]);
  assert.deepEqual(saidTexts(await engine.answer([1, 1, failure(1, "tool_not_found")])), ["tool_not_found"]);
});

test("modules are frozen namespaces, and an unknown one rejects with module_not_found", async () => {
  assert.deepEqual(
    await texts(`
      const files = await dynamicImport("tools/files.js");
      text(Object.keys(files)); text(files.read === tools.files__read); text(Object.isFrozen(files)); text(Object.prototype.toString.call(files));
      text(await dynamicImport("codemode") === await dynamicImport("@openai/code_mode"));
      text((await dynamicImport("codemode")).text === text);
      const e = await dynamicImport("nope.js").catch((e) => e); text(e.code + " " + e.message);`).then((said) => said.slice(0, 7)),
    ['["read"]', "true", "true", "[object Module]", "true", "true",
      'module_not_found there is no module "nope.js". Modules: tools.js, tools/files.js, codemode, @openai/code_mode, openai/code_mode'],
  );
});

test("the names that each module exports can be read before the script", () => {
  const exports = JSON.parse(new Engine().port.exports);
  assert.deepEqual(exports["tools.js"], ["get", "raw", "files__read", "tools", "ALL_TOOLS"]);
  assert.deepEqual(exports["tools/files.js"], ["read"]);
  assert.deepEqual(exports.codemode, exports["openai/code_mode"]);
});
