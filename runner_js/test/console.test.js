// The console's texts, by those of node where the two write values alike.

import assert from "node:assert/strict";
import { Console } from "node:console";
import { Writable } from "node:stream";
import { test } from "node:test";
import { run } from "./engine.js";

/** What node's console writes for a piece of code. */
function written(code) {
  let text = "";
  const stream = new Writable({ write(chunk, _, done) { text += chunk; done(); } });
  new Function("console", code)(new Console({ stdout: stream, stderr: stream, groupIndentation: 2 }));
  return text;
}

const logged = async (code) => (await run(code)).filter(([kind]) => kind === "LOG").map(([, , text]) => `${text ?? ""}\n`).join("");

const CALLS = [
  '"%s is %s", "a", 1', '"%s", null, undefined', '"%s", -0', '"%s", 5n', '"%s", Symbol("a")', '"%s", true', '"%s %s", "one"', '"%s"', '"%s", "a", "b", 3',
  '"%d", 4.5', '"%d", "4.5"', '"%d", "x"', '"%d", 5n', '"%d", -0', '"%d", {}', '"%d", Symbol()', '"%d", null', '"%d", ""', '"%i", 5.9', '"%i", "5.9px"', '"%i", {}', '"%i", 5n', '"%i", -5.9', '"%i", "x"',
  '"%f", "1.5px"', '"%f", 2', '"%f", Symbol()', '"%j", {a: [1, null]}', '"%j", undefined', '"%j", "s"', '"%o", 1', '"%O", [1, 2]', '"%O", {a: 1}', '"a%cb", "color: red"',
  '"%%", 1', '"%%"', '"100%", 1', '"%", 1', '"%x %s", 1, 2', '"%s%s%s", 1, 2', '"%%s", 1', '"%s%%", 1', '1, "%s", 2', '"a", 1, true, null, undefined, 5n', '[1, [2]], {a: 1}', '-0, [-0]', '""', '"", 1', '',
];
for (const call of CALLS) {
  test(`console.log(${call}) writes what node writes`, async () => {
    assert.equal(await logged(`console.log(${call});`), written(`console.log(${call});`));
  });
}

const TABLES = [
  "[[1, 2], [3, 4]]", "[{a: 1, b: true}, {a: 2, c: null}]", "[1, 2, 3]", "{x: {a: 1}, y: {a: 2}, z: 5}", "new Map([[1, 2], [3, 4]])", "new Set([1, 2])", "[{a: 1, b: 2}, {b: 3}], ['b']",
  "[{a: 1}], ['b', 'a']", "[]", "{}", "[1, {a: 2}]", "[{a: [1]}]", "5", "null", "[, 1]",
];
for (const call of TABLES) {
  test(`console.table(${call}) draws what node draws`, async () => {
    assert.equal(await logged(`console.table(${call});`), written(`console.table(${call});`));
  });
}

test("groups, counts and assertions read as in node", async () => {
  const code = `
    console.group("g %s", 1); console.log("a\\nb"); console.group(); console.warn("deep"); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log("out");
    console.count(); console.count("x"); console.count(undefined); console.countReset("x"); console.count("x");
    console.assert(true, "no"); console.assert(false); console.assert(0, "a %s", "b"); console.assert(null, {a: 1}); console.assert(false, 1, 2);
    console.dir({a: 1}); console.dir("%s", 5); console.dirxml({a: 1}, 2); console.error("%s!", "e"); console.info(1); console.debug("%d", "2");`;
  assert.equal(await logged(code), written(code).replaceAll("'", '"'));
});

test("a trace has the script's frames, and a timer says how long it ran", async () => {
  const text = await logged('console.trace("at %s", "x"); console.time("t"); console.timeLog("t", {a: 1}, "%s"); console.timeEnd("t"); console.timeEnd("t"); console.time(); console.timeEnd();');
  assert.match(text, /^Trace: at x\n {4}at cell-1\.js:1:9\nt: [\d.]+ ms \{ a: 1 \} %s\nt: [\d.]+ ms\nt: no such timer\ndefault: [\d.]+ ms\n$/);
});

test("what the console shows runs none of the script's code", async () => {
  const said = await run(`
    const spy = {get a() { text("ran"); }, toString() { text("ran"); }, valueOf() { text("ran"); }, [Symbol.toPrimitive]() { text("ran"); }};
    console.log("%s %d %i %f %o %O", spy, spy, spy, spy, spy, spy); console.table([spy]); console.dir(spy); console.count(spy); console.time(spy); console.group(spy);`);
  assert.deepEqual(said.filter(([kind]) => kind !== "LOG"), [["COMPLETED"]]);
});

test("a table of very many rows is cut", async () => {
  const [[, , text]] = await run("console.table(Array.from({length: 1e6}, (_, i) => i));");
  assert.ok(text.length < 17_000 && text.endsWith("… (cut)"));
});
