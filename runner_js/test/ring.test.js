// The ring: what is longer than its room, what goes round it, and what is said where the stack ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run } from "./engine.js";
import { runRead } from "./read.js";

test("a record longer than the ring streams through it whole", async () => {
  const said = await runRead(`const s = "aé€\\ud83d\\ude00".repeat(500_000); text(s); text("after"); text(s.length);`);
  assert.equal(said[0][1].length, 2_500_000);
  assert.equal(said[0][1], "aé€😀".repeat(500_000));
  assert.deepEqual(said.slice(1), [["TEXT", "after"], ["TEXT", "2500000"], ["COMPLETED"]]);
});

test("records go round the ring many times in order", async () => {
  const engine = new Engine({ maxOutputUnits: 1e9, maxOutputItems: 1e6 });
  let expected = 0;
  await engine.run(`let n = 0; setInterval(() => { for (let i = 0; i < 100; i++) text(n++ + ":" + "x".repeat(n % 5000)); }, 1); await new Promise(() => {});`);
  for (let turn = 1; turn <= 60; turn++) {
    for (const [, text] of await engine.tick(turn * 1000)) {
      assert.equal(text, `${expected}:${"x".repeat((expected + 1) % 5000)}`);
      expected += 1;
    }
  }
  assert.equal(expected, 6000);
});

test("exit ends the script there: no catch, no finally, no other function of it runs", async () => {
  for (const source of [
    "try { exit(); } catch { text('c'); } finally { text('f'); }",
    "Promise.resolve().then(() => text('job')); [2, 1].sort(() => exit());",
    "function f() { try { f(); } finally { exit(); } } f();",
    "async function* g() { try { yield 1; } finally { exit(); text('g'); } } for await (const _ of g()) break;",
  ]) {
    assert.deepEqual(await runRead(`text("before"); ${source}`), [["TEXT", "before"], ["COMPLETED"]], source);
  }
});

for (const [name, say] of Object.entries({
  text: "text('T'.repeat(1 + n % 50)); said++",
  log: "console.log('L'); said++",
  store: "store('k' + n % 3, n); said++",
  unset: "store('k', undefined); said++",
  image: "image('data:,x'); said++",
  notify: "notify('N'); said++",
  call: "made[n] = tools.get({n})",
  yield: "yield_control(); said++",
})) {
  test(`where the stack has no room left, ${name} is said whole or not at all`, async () => {
    const engine = new Engine({ maxOutputItems: 1e6, maxCalls: 1e6, maxStoreBytes: 1e6, maxCallsInFlight: 1e6 });
    const said = await engine.run(`
      let said = 0, n = 0; const made = [];
      const edges = [
        (f) => { try { edges[0](f); } catch { f(); } },
        (f, a, b, c) => { const x = a, y = b, z = c; try { edges[1](f, x, y, z, 1); } catch { f(x, y, z); } },
        (f, ...rest) => { try { edges[2](f, 1, 2, 3, 4, 5, 6, 7); } catch { f(); } return rest.length; },
        (f) => { try { [1].map(() => edges[3](f)); } catch { f(); } },
      ];
      for (let i = 0; i < 10; i++) for (const edge of edges) {
        let left = 60;
        const once = () => { n++; ${say}; if (left-- > 0) throw 0; }; // and again, one frame further up
        try { edge(once); } catch { /* the top */ }
      }
      for (const call of made) call?.catch(() => {});
      text("the end");`);
    assert.equal(engine.reader.left, 0);
    assert.deepEqual(said.slice(-2), [["TEXT", "the end"], ["COMPLETED"]]);
    assert.equal(new Set(said.slice(0, -2).map(([kind]) => kind)).size, 1);
    assert.ok(said.length > 20, `${said.length}`);
  });
}

test("a long record is said whole or not at all where the stack has no room left", async () => {
  const said = await runRead(`
    const long = "x".repeat(700_000); let given = 0;
    const down = () => { try { down(); } catch { text(long); given++; } };
    for (let i = 0; i < 3; i++) try { down(); } catch { /* the top */ }
    text("the end");`, { maxOutputUnits: 1e10, maxOutputItems: 1e6 });
  for (const [, text] of said.slice(0, -2)) assert.equal(text.length, 700_000);
  assert.deepEqual(said.slice(-2), [["TEXT", "the end"], ["COMPLETED"]]);
});

test("the room of a full ring is used to its last unit", async () => {
  const units = 1 << 20;
  const said = await run(`text("x".repeat(${units - 3 - 3 - 3})); text("");`);
  assert.deepEqual(said.map(([kind, text]) => [kind, text?.length]), [["TEXT", units - 9], ["TEXT", undefined], ["COMPLETED", undefined]]);
});
