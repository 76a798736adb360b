// store and load.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run, texts } from "./engine.js";

test("load gives a fresh clone of what was stored, or undefined", async () => {
  assert.deepEqual(
    await texts(`
      const v = {a: [1]}; store("k", v); v.a.push(2);
      const one = load("k"); one.a.push(3);
      text(load("k")); text(load("other"));`),
    ['{"a":[1]}', "undefined"],
  );
});

test("each store is said with its JSON text, and undefined removes the key", async () => {
  assert.deepEqual(await run('store("k", {a: 1}); store("k", undefined); store("", null);'), [
    ["STORE", "k", '{"a":1}'], ["UNSET", "k"], ["STORE", "", "null"], ["COMPLETED"],
  ]);
});

test("what the session holds is there, and what another cell stores comes", async () => {
  const engine = new Engine({ stored: { k: "[1]" } });
  await engine.run('text(load("k")); await sleep(1); text(load("k")); text(load("n")); await tools.get(); text(load("n"));');
  engine.port.stored = '[["k", null], ["n", "{\\"b\\":2}"]]';
  const said = await engine.tick(10);
  assert.deepEqual(said.slice(0, 2), [["TEXT", "undefined"], ["TEXT", '{"b":2}']]);
});

test("over the cap a store is a RangeError and nothing is kept; room that is freed can be used", async () => {
  const said = await run(
    `store("a", "x".repeat(60));
     try { store("b", "é".repeat(20)); } catch (e) { text(e instanceof RangeError ? e.message : "no"); }
     text(load("b")); store("a", "y".repeat(90)); store("a", undefined); store("b", "é".repeat(40));`,
    { maxStoreBytes: 100 },
  );
  assert.deepEqual(said.map((record) => record.slice(0, 2)), [
    ["STORE", "a"],
    ["TEXT", 'store("b"): the session\'s stored values would come to 106 bytes; at most 100 are kept'],
    ["TEXT", "undefined"], ["STORE", "a"], ["UNSET", "a"], ["STORE", "b"], ["COMPLETED"],
  ]);
});

const CYCLE = "(() => { const a = []; a[0] = a; return a; })()";
for (const [value, what] of Object.entries({
  "() => 1": "a function", "Symbol()": "a symbol", "10n": "a bigint", [CYCLE]: "a cycle", "new Map()": "a Map", "new Set()": "a Set",
  "new Uint8Array(1)": "a typed array", "new ArrayBuffer(1)": "an ArrayBuffer", "new DataView(new ArrayBuffer(1))": "a DataView",
  "/x/": "a RegExp", "new Error('e')": "an Error", "new WeakMap()": "an object of the kind WeakMap", "Promise.resolve()": "an object of the kind Promise", "[].values()": "an object of the kind Array Iterator",
})) {
  test(`store refuses ${value}, and what holds it, with a TypeError that names it, and keeps nothing`, async () => {
    assert.deepEqual(
      await texts(`for (const v of [${value}, {a: [${value}]}]) try { store("k", v); } catch (e) { text(e.name); text(e.message); text(load("k")); }`),
      Array(2).fill(["TypeError", `store("k"): the value is not JSON-serializable: it is or holds ${what}`, "undefined"]).flat(),
    );
  });
}

test("what JSON gives a form is stored in that form", async () => {
  assert.deepEqual(
    (await run(`store("a", {u: undefined, n: NaN, d: new Date(0), l: [undefined, , -0]}); store("b", new (class P { x = 1; m() {} })());
      store("c", {toJSON: () => 5, f() {}}); store("d", Object.create(null, {z: {get: () => 1, enumerable: true}})); store("e", new String("s"));
      store("f", JSON.parse('{"__proto__": {"x": 1}}')); text(Object.keys(load("f"))); store("__proto__", 1); text(load("__proto__")); text(load("constructor"));`))
      .map((record) => record.slice(1).join()),
    ['a,{"n":null,"d":"1970-01-01T00:00:00.000Z","l":[null,null,0]}', 'b,{"x":1}', "c,5", 'd,{"z":1}', 'e,"s"', 'f,{"__proto__":{"x":1}}', '["__proto__"]', "__proto__,1", "1", "undefined", ""],
  );
});

test("a value whose toJSON throws or gives nothing is a TypeError with its cause", async () => {
  assert.deepEqual(
    await texts(`
      try { store("k", {toJSON() { throw new RangeError("mine"); }}); } catch (e) { text(e.name); text(e.cause.message); }
      try { store("k", {toJSON() {}}); } catch (e) { text(e.message); }`),
    ["TypeError", "mine", 'store("k"): the value is not JSON-serializable: it has no JSON form'],
  );
});

test("the keys of the session may have any name", async () => {
  const stored = JSON.parse('{"__proto__": "1", "toString": "2"}');
  assert.deepEqual(await texts('text(load("__proto__")); text(load("toString")); text(load("valueOf"));', { stored }), ["1", "2", "undefined"]);
});

test("a key that is no string is a TypeError, and a lone surrogate in one becomes U+FFFD", async () => {
  assert.deepEqual(
    await texts(`
      for (const f of [() => store(1, 2), () => load(1)]) try { f(); } catch (e) { text(e.name); }
      store("\\ud800", 1); text(load("\\ufffd"));`),
    ["TypeError", "TypeError", "1"],
  );
});
