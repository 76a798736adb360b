// Timers, by a clock that the test holds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run } from "./engine.js";

const saidTexts = (said) => said.filter(([kind]) => kind === "TEXT").map(([, text]) => text);

test("timers fire in the order in which they are due, one an entry, promise jobs between them", async () => {
  const engine = new Engine();
  await engine.run(`
    for (const [name, ms] of [["c", 30], ["a", 10], ["b", 10]]) setTimeout((...given) => {
      text(given.join()); Promise.resolve().then(() => text("job of " + name));
    }, ms, name, 1);
    await new Promise(() => {});`);
  assert.ok(engine.port.state >= 0 && engine.port.state <= 10);
  const turns = [];
  for (let i = 0; i < 4; i++) turns.push(saidTexts(await engine.tick(100_000)));
  assert.deepEqual(turns, [["a,1", "job of a"], ["b,1", "job of b"], ["c,1", "job of c"], []]);
  assert.equal(engine.port.state, -2);
});

test("a cleared timer never fires, also when its sibling of the same time clears it", async () => {
  const engine = new Engine();
  await engine.run(`
    const gone = setTimeout(() => text("gone"), 1); clearTimeout(gone); clearTimeout("x"); clearInterval(undefined);
    let b; setTimeout(() => { text("a"); clearTimeout(b); }, 1); b = setTimeout(() => text("b"), 1);
    await new Promise(() => {});`);
  const said = [...(await engine.tick(1e6)), ...(await engine.tick(1e6))];
  assert.deepEqual(saidTexts(said), ["a"]);
  assert.equal(engine.port.state, -2);
});

test("an interval fires again and again until it is cleared, by itself too", async () => {
  const engine = new Engine();
  await engine.run("let n = 0; const i = setInterval(() => { text(++n); if (n === 3) clearInterval(i); }, 10); await new Promise(() => {});");
  const said = [];
  for (let ms = 1e6; ms < 5e6; ms += 1e6) said.push(...saidTexts(await engine.tick(ms)));
  assert.deepEqual(said, ["1", "2", "3"]);
  assert.equal(engine.port.state, -2);
});

test("sleep resolves when it is due, refuses what is no duration, and a very long one is not a short one", async () => {
  const engine = new Engine();
  await engine.run(`
    for (const ms of [-1, NaN, "x"]) await sleep(ms).catch((e) => text(e.name));
    await sleep("5"); text("woke"); await sleep(Infinity); text("never");`);
  assert.deepEqual(saidTexts(await engine.tick(1e6)), ["woke"]);
  assert.deepEqual(saidTexts(await engine.tick(2e6)), []);
  assert.ok(engine.port.state > 1e9);
});

test("a throw in a callback fails the cell, and so does a promise that rejects", async () => {
  for (const callback of ["() => { throw new Error('no'); }", "async () => { await null; throw new Error('no'); }"]) {
    const engine = new Engine();
    await engine.run(`setTimeout(${callback}, 1); setTimeout(() => text("late"), 1); await new Promise(() => {});`);
    const said = [...(await engine.tick(1e6)), ...(await engine.tick(1e6))];
    assert.deepEqual(said.map(([kind]) => kind), ["FAILING", "FAILED"]);
    assert.equal(said[1][1].message, "Error: no");
    assert.equal(engine.port.state, -3);
  }
});

test("a callback that is no function is a TypeError at once", async () => {
  const said = await run("try { setTimeout('code', 1); } catch (e) { text(e.name); }");
  assert.deepEqual(said, [["TEXT", "TypeError"], ["COMPLETED"]]);
});

test("a pending timer does not keep a finished script", async () => {
  const engine = new Engine();
  assert.deepEqual(await engine.run("setTimeout(() => text('late'), 1);"), [["COMPLETED"]]);
  assert.equal(engine.port.state, -3);
  assert.deepEqual(await engine.tick(1e6), []);
});

test("two thousand timers of any delay fire sorted", async () => {
  const engine = new Engine({ maxTimers: 10_000, maxOutputItems: 10_000 });
  await engine.run("let s = 7; for (let i = 0; i < 2000; i++) { s = (s * 48271) % 2147483647; const ms = 1000 * (1 + (s % 500)); setTimeout(() => text(ms), ms); } await new Promise(() => {});");
  for (let i = 0; i < 2000; i++) engine.port.now = 1e7;
  const fired = saidTexts(await engine.said()).map(Number);
  assert.equal(fired.length, 2000);
  assert.deepEqual(fired, [...fired].sort((a, b) => a - b));
});

test("timers of a fraction of a millisecond, of none and of no number fire in node's order", async () => {
  const body = `
    const log = []; const delays = [1.9, 1.1, 0, -5, NaN, "x", undefined, null, {}, "0", 1];
    for (const [i, ms] of delays.entries()) setTimeout((...given) => { log.push(given.join()); if (i === 3) setTimeout(() => log.push("nested"), 0); }, ms, i, "arg");
    setTimeout(() => log.push("last"), 100); await new Promise((resolve) => setTimeout(resolve, 150));`;
  const AsyncFunction = (async () => {}).constructor;
  const expected = await new AsyncFunction(`${body} return log;`)();
  const engine = new Engine({ maxTimers: 20 });
  await engine.run(`${body} text(log.join("|"));`);
  const said = [];
  for (let ms = 0; ms < 200; ms++) said.push(...(await engine.tick(ms)));
  assert.deepEqual(said, [["TEXT", expected.join("|")], ["COMPLETED"]]);
});

test("an id is a number that a text may name too, and what is no id is let pass", async () => {
  const engine = new Engine();
  const said = await engine.run(`
    const a = setTimeout(() => text("a"), 1), b = setInterval(() => text("b"), 1);
    text([typeof a, typeof b, a === b]); clearTimeout(String(a)); clearTimeout(b); // either clears both kinds
    for (const id of [undefined, null, {}, [], -1, NaN, "x", Symbol(), 1n, () => {}]) { clearTimeout(id); clearInterval(id); }
    await new Promise(() => {});`);
  assert.deepEqual(saidTexts(said), ['["number","number",false]']);
  assert.equal(engine.port.state, -2);
});

test("a timer that is cleared and made anew again and again leaves the others in their order", async () => {
  const engine = new Engine({ maxTimers: 300, maxOutputItems: 1000 });
  const said = await engine.run(`
    let t; const kept = [];
    for (let i = 0; i < 200; i++) { const ms = 1000 * (1 + (i * 7919) % 500); kept.push(setTimeout(() => text(ms), ms)); }
    for (let i = 0; i < 400_000; i++) { clearTimeout(t); t = setTimeout(() => text("late"), 1e9); }
    for (let i = 0; i < 200; i += 2) clearTimeout(kept[i]);
    text("ready"); await new Promise(() => {});`);
  assert.deepEqual(said, [["TEXT", "ready"]]);
  for (let i = 0; i < 100; i++) engine.port.now = 1e6;
  const fired = saidTexts(await engine.said()).map(Number);
  assert.deepEqual(fired, Array.from({ length: 100 }, (_, i) => 1000 * (1 + ((2 * i + 1) * 7919) % 500)).sort((a, b) => a - b));
  assert.deepEqual(saidTexts(await engine.tick(2e9)), ["late"]);
});

test("what a cleared timer would have called is let go", async () => {
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  const engine = new Engine();
  await engine.run(`
    globalThis.held = (() => { const big = {}; clearTimeout(setTimeout(() => big, 60_000, big)); return new WeakRef(big); })();
    setTimeout(() => text(held.deref() === undefined), 1); await new Promise(() => {});`);
  await new Promise((resolve) => setImmediate(resolve));
  runInNewContext("gc")();
  assert.deepEqual(saidTexts(await engine.tick(10)), ["true"]);
});
