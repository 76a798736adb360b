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
  engine.port.stored = '["k", null]';
  engine.port.stored = '["n", "{\\"b\\":2}"]';
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

for (const value of ["() => 1", "Symbol()", "10n", "(() => { const a = []; a[0] = a; return a; })()", "{toJSON() { throw 1; }}"]) {
  test(`store of ${value} is a TypeError that says so`, async () => {
    assert.deepEqual(
      await texts(`try { store("k", ${value}); } catch (e) { text(e.name); text(e.message.slice(0, 47)); }`),
      ["TypeError", 'store("k"): the value is not JSON-serializable'].map((text, i) => (i && value.startsWith("() ") || i && value.startsWith("Symbol") ? text + ":" : text)),
    );
  });
}

test("a key that is no string is a TypeError, and a lone surrogate in one becomes U+FFFD", async () => {
  assert.deepEqual(
    await texts(`
      for (const f of [() => store(1, 2), () => load(1)]) try { f(); } catch (e) { text(e.name); }
      store("\\ud800", 1); text(load("\\ufffd"));`),
    ["TypeError", "TypeError", "1"],
  );
});
