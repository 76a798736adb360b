// Scripts that patch whatever they can reach: they harm themselves, lose nothing, forge nothing, and nothing ever leaves
// an accessor (`Engine.clean` looks after each step).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run, texts } from "./engine.js";
import { runRead } from "./read.js";

const BOOM = "const boom = () => { throw new Error('boom'); }; const trap = {__proto__: null, get: boom, set: boom, configurable: true};";
const PATCHES = {
  "index setters of Array.prototype": "for (let i = 0; i < 8; i++) Object.defineProperty(Array.prototype, i, trap);",
  "setters of Object.prototype": "for (const k of ['then', 'value', 'get', 'set', 'toJSON', 'code', 'message', 'cause', 'id', 'ok', 'tool', 'text', 'resolve', 'promise', 'due', 'line', 'type', 'detail', 'writable', 'enumerable', 'configurable', 0, 1, 2]) Object.defineProperty(Object.prototype, k, k === 'then' || k === 'toJSON' ? {__proto__: null, set: boom, configurable: true} : trap);",
  "iterators": "Array.prototype[Symbol.iterator] = boom; Map.prototype[Symbol.iterator] = boom; Object.getPrototypeOf([][Symbol.iterator]).next = boom;",
  "JSON": "JSON.stringify = JSON.parse = boom; globalThis.JSON = null;",
  "Map and WeakMap": "for (const C of [Map, Set, WeakMap]) for (const k of Reflect.ownKeys(C.prototype)) try { Object.defineProperty(C.prototype, k, trap); } catch {}",
  "Function.prototype": "for (const k of ['call', 'apply', 'bind', 'toString']) Function.prototype[k] = boom; Object.defineProperty(Function.prototype, Symbol.hasInstance, {});".replace("Object.defineProperty(Function.prototype, Symbol.hasInstance, {});", ""),
  "Reflect, Object, Math, Number and Date": "for (const o of [Reflect, Object, Math, Number, Date]) for (const k of Object.getOwnPropertyNames(o)) if (typeof o[k] === 'function' && k !== 'defineProperty' && k !== 'getOwnPropertyNames') o[k] = boom; Object.defineProperty = Object.getOwnPropertyNames = Reflect.defineProperty = boom;",
  "String.prototype": "for (const k of Object.getOwnPropertyNames(String.prototype)) if (k !== 'length') String.prototype[k] = boom; globalThis.String = boom;",
  "RegExp.prototype": "for (const k of Reflect.ownKeys(RegExp.prototype)) Object.defineProperty(RegExp.prototype, k, trap);",
  "errors": "Error.stackTraceLimit = 0; Error.captureStackTrace = boom; try { Error.prepareStackTrace = boom; } catch {} try { Object.defineProperty(Error, 'prepareStackTrace', {value: boom}); } catch {} globalThis.Error = globalThis.TypeError = boom;",
  "Promise species and constructor": "Object.defineProperty(Promise, Symbol.species, trap); Object.defineProperty(Promise.prototype, 'constructor', trap); Promise.prototype.then = boom; Promise.resolve = boom;",
  "every global": "for (const k of Object.getOwnPropertyNames(globalThis)) if (!['tools', 'text', 'store', 'load', 'console', 'setTimeout', 'notify', 'Promise', 'globalThis', 'undefined', 'NaN', 'Infinity'].includes(k)) try { globalThis[k] = boom; } catch {}",
};

for (const [name, patch] of Object.entries(PATCHES)) {
  // What waits for a script's own promise breaks with Promise.prototype; the script reads its answers from callbacks.
  const awaits = !name.startsWith("Promise");
  test(`nothing is lost, forged or let out where a script has patched ${name}`, async () => {
    const engine = new Engine({ maxCallsInFlight: 1 });
    const wait = awaits ? "text(await one); text(await two);" : "";
    const hold = "await held";
    const said = await engine.run(`${BOOM}
      const held = new Promise(() => {}); const NEVER = {__proto__: null};
      ${patch}
      text("a"); console.log("b", 1); store("k", "v"); text(load("k")); notify("n");
      const one = tools.get({__proto__: null, n: 1}); const two = tools.raw("2");
      setTimeout(() => { text("fired"); throw "thrown"; }, 5000);
      ${wait}
      ${awaits ? hold : "for (;;) await NEVER && 0; ".replace("for (;;) await NEVER && 0; ", "await {__proto__: null, then() {}};")}`);
    assert.deepEqual(said, [
      ["TEXT", "a"], ["LOG", "log", "b 1"], ["STORE", "k", '"v"'], ["TEXT", "v"], ["NOTE", "n"], ["CALL", 1, "get", '{"n":1}'],
    ]);
    assert.deepEqual(await engine.answer([7, 0, 0], [1, 0, "one"]), [...(awaits ? [["TEXT", "one"]] : []), ["CALL", 2, "raw", '"2"']].toSorted());
    engine.port.stored = '[["other", "1"]]';
    assert.deepEqual(await engine.answer([2, 0, "two"], [2, 0, "again"]), awaits ? [["TEXT", "two"]] : []);
    assert.ok(engine.port.state > 0);
    const [fired, failing, failed] = await engine.tick(1e6);
    assert.deepEqual([fired, failing, failed[0], failed[1].message], [["TEXT", "fired"], ["FAILING"], "FAILED", "Uncaught thrown"]);
    assert.equal(engine.port.state, -3);
  });
}

const LATE = [
  "new URL('http://a/b?c=d').searchParams.get('c')", "new AbortController().abort()", "AbortSignal.any([AbortSignal.timeout(5)])", "new DOMException('m').name",
  "new EventTarget().dispatchEvent(new Event('x'))", "new TextDecoder().decode(new TextEncoder().encode('é'))", "atob(btoa('x'))", "crypto.randomUUID()",
  "performance.now()", "structuredClone(new Map([[1, [new Date(0)]]]))", "queueMicrotask(() => {})", "search_tools('get')", "describe_tool('get')", "as_settled([1]).next()", "console.table([1])",
];

for (const [name, patch] of Object.entries(PATCHES)) {
  test(`where a script has patched ${name}, what is made late may fail it, and the runner goes on`, async () => {
    const engine = new Engine({ tools: [["get", "tools.js", "get", "Gets.", false, ""]] });
    const uses = LATE.map((use) => `try { ${use}; } catch {}`).join("\n");
    await engine.run(`${BOOM} ${patch} ${uses} tools.get({__proto__: null, n: 1}); await {__proto__: null, then() {}};`);
    engine.clean();
    assert.notEqual(engine.port.state, -4);
    assert.equal(engine.port.lastCall, 1);
  });
}

test("the key of the cell's randomness is nowhere that a script can look", async () => {
  const said = await run(`
    crypto.getRandomValues(new Uint8Array(8));
    const seen = new Set(); const words = [];
    const look = (value) => {
      if (typeof value === "string") words.push(value);
      if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
      seen.add(value);
      for (const key of Reflect.ownKeys(value)) { const own = Object.getOwnPropertyDescriptor(value, key); look(own.value); look(own.get); look(own.set); }
      look(Object.getPrototypeOf(value));
    };
    look(globalThis); text(seen.size > 500); text(words.some((word) => word.includes("${"5a".repeat(32)}")));`, { seed: "5a".repeat(32) });
  assert.deepEqual(said.slice(0, 2).map(([, text]) => text), ["true", "false"]);
});

const THROWN = {
  "null": "Uncaught null",
  "undefined": "Uncaught undefined",
  "Symbol('s')": "Uncaught Symbol(s)",
  "{get a() { text('ran'); }, get constructor() { text('ran'); }}": "Uncaught { a: [Getter], constructor: [Getter] }",
  "new Proxy({}, {ownKeys() { throw 1; }})": "the script threw a value that cannot be read",
  "(() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; })()": "the script threw a value that cannot be read",
  "Object.defineProperty(new Error('m'), 'stack', {get() { text('ran'); }})": "Error: m",
  "Object.defineProperty(new Error('m'), 'message', {get() { text('ran'); }})": "Error",
  "Object.assign(new Error('m'), {name: {toString() { text('ran'); }}})": "Error: m",
  "Object.setPrototypeOf(new Error('m'), null)": "Error: m",
  "new Error('\\ud800')": "Error: \ufffd",
  "'\\udc00'": "Uncaught \ufffd",
  "Object.assign(new Error('m'), {toJSON() { text('ran'); }})": "Error: m",
};

for (const [thrown, message] of Object.entries(THROWN)) {
  test(`throw ${thrown} is said as ${message}, and runs none of the script`, async () => {
    const said = await run(`const thrown = ${thrown}; throw thrown;`);
    assert.deepEqual(said.map(([kind]) => kind), ["FAILING", "FAILED"]);
    assert.equal(said[1][1].message, message);
    assert.equal(said[1][1].code, "script_error");
  });
}

test("a huge message is cut, and never in the middle of a character", async () => {
  const [, [, failed]] = await run("throw new Error('x' + '😀'.repeat(100_000));");
  assert.ok(failed.message.length < 40_000);
  assert.ok(failed.stack.length < 40_000);
  assert.ok(failed.message.isWellFormed() && failed.stack.isWellFormed());
});

test("an error says where it was thrown in the script, on the first line too, and none of the runner's frames", async () => {
  const [, [, first]] = await run("throw new Error('e');");
  assert.deepEqual([first.line, first.column, first.stack], [1, 7, "Error: e\n    at cell-1.js:1:7"]);
  const [, [, later]] = await run("\nfunction f() {\n  null.x;\n}\n [1].map(f);");
  assert.deepEqual([later.line, later.column], [3, 8]);
  assert.match(later.stack, /at f \(cell-1\.js:3:8\)\n {4}at Array\.map/);
  assert.doesNotMatch(later.stack, /codemode/);
});

test("Error.prepareStackTrace is the runner's for good, and forged arguments get nothing from it", async () => {
  assert.deepEqual(
    await texts(`
      const p = Error.prepareStackTrace;
      for (const change of [() => { Error.prepareStackTrace = 1; }, () => { delete Error.prepareStackTrace; }]) try { change(); text("changed"); } catch (e) { text(e.name); }
      text(p(null, null)); text(p(new Error("m"), [{}])); text(p({}, {get length() { throw 1; }}));`),
    ["TypeError", "TypeError", "Error", "Error", "Error"],
  );
});

test("shared memory, its waits, WebAssembly and finalizers are not there", async () => {
  assert.deepEqual(
    await texts("text([typeof Atomics, typeof SharedArrayBuffer, typeof WebAssembly, typeof FinalizationRegistry].join());"),
    ["undefined,undefined,undefined,undefined"],
  );
});

// Runs `use(i)` in each of the last frames before the stack ends, and once more in each frame that leads there.
const DEEP = `const deep = (use, times) => { (function go() { try { go(); } catch {} if (times-- > 0) try { use(times); } catch (e) { if (!(e instanceof RangeError)) text("odd: " + e); } })(); };`;

test("where the stack ends, a call is made whole or not at all, and each that was made is answered", async () => {
  const engine = new Engine({ maxCalls: 10_000, maxCallsInFlight: 10_000 });
  const said = await engine.run(`${DEEP}
    const calls = []; deep(() => { calls.push(tools.get()); }, 600);
    const settled = await Promise.allSettled(calls);
    text(settled.every((one) => one.status === "fulfilled" || one.reason instanceof RangeError));
    text(settled.filter((one) => one.status === "fulfilled").length);`);
  const ids = said.filter(([kind]) => kind === "CALL").map(([, id]) => id);
  assert.ok(ids.length > 0 && ids.length < 600);
  const end = await engine.answer(...ids.map((id) => [id, 0, "x"]));
  assert.deepEqual(end, [["TEXT", "true"], ["TEXT", String(ids.length)], ["COMPLETED"]]);
});

test("where the stack ends, what is stored here is what the host is told", async () => {
  for (let round = 0; round < 5; round++) {
    const said = await run(`${DEEP}
      for (let i = 0; i < 300; i++) store("u" + i, 1);
      deep((i) => store("s" + i, i), 600); deep((i) => { if (i < 300) store("u" + i, undefined); }, 600);
      const held = []; for (const c of ["s", "u"]) for (let i = 0; i < 600; i++) if (load(c + i) !== undefined) held.push(c + i);
      text(held.join());`, { maxStoreBytes: 1e6, maxStoreKeys: 1000 });
    const told = new Set();
    for (const [kind, key] of said) {
      if (kind === "STORE") told.add(key);
      if (kind === "UNSET") told.delete(key);
    }
    assert.deepEqual(said.filter(([kind]) => kind === "TEXT").map(([, text]) => text.split(",").sort()), [[...told].sort()]);
  }
});

test("where the stack ends, an abort happens whole or not at all, and an event can be dispatched again", async () => {
  assert.deepEqual(
    await texts(`${DEEP}
      const controllers = Array.from({length: 100}, () => new AbortController()); const heard = new Set();
      for (const c of controllers) tools.never({}, {signal: c.signal}).catch(() => {});
      deep((i) => controllers[i % 100].abort(), 600); for (const c of controllers) c.abort();
      text(controllers.every((c) => c.signal.aborted));
      const target = new EventTarget(); const event = new Event("x"); let count = 0; target.addEventListener("x", () => { count++; });
      deep(() => target.dispatchEvent(event), 600); const before = count; target.dispatchEvent(event); text(count - before);`,
      { maxCalls: 1000, maxCallsInFlight: 1000 }),
    ["true", "1"],
  );
});

test("where the stack ends and the ring is all but full, a failure is said whole or not begun", async () => {
  for (const room of [0, 1, 3, 4, 5, 50]) {
    const said = await runRead(`${DEEP}
      const target = new EventTarget(); target.addEventListener("x", () => { throw new Error("listener"); });
      const event = new Event("x");
      text("x".repeat(${2 ** 20 - 3 - room})); deep(() => target.dispatchEvent(event), 3000); text("end");`);
    const kinds = said.slice(1).map(([kind]) => kind);
    assert.ok([["FAILING", "FAILED"].join(), ["TEXT", "COMPLETED"].join()].includes(kinds.join()), `${room}: ${kinds}`);
  }
});

test("where the stack ends, a timer is set whole or not at all, and those that stand keep their order", async () => {
  const engine = new Engine({ maxTimers: 10_000 });
  await engine.run(`${DEEP}
    const fired = []; for (let i = 0; i < 50; i++) setTimeout(() => fired.push(i), 5 + i);
    const set = []; deep((i) => { set.push(setTimeout(() => fired.push("deep"), 1 + (i % 60))); }, 1500);
    setTimeout(() => { text(fired.filter((n) => n !== "deep").join()); text(fired.length - 50 >= set.length && set.length > 0); }, 1000);
    await new Promise(() => {});`);
  const said = [];
  for (let i = 0; i < 1600; i++) said.push(...(await engine.tick(2000)));
  assert.deepEqual(said, [["TEXT", Array.from({ length: 50 }, (_, i) => i).join()], ["TEXT", "true"]]);
});
