// What `text` makes of a value.

import assert from "node:assert/strict";
import { test } from "node:test";
import { run, texts } from "./engine.js";
import { runRead } from "./read.js";

const cases = {
  '"as it is"': "as it is",
  "undefined": "undefined",
  "null": "null",
  "-0": "0",
  "12n": "12",
  "true": "true",
  "Symbol('s')": "Symbol(s)",
  "(x) => x": "(x) => x",
  "({a: [1, 'x', null]})": '{"a":[1,"x",null]}',
  "[undefined, NaN]": "[null,null]",
  "new Map([['a', {b: 1}], [2, new Set([3])]])": 'Map(2) { "a" => { b: 1 }, 2 => Set(1) { 3 } }',
  "new Map()": "Map(0) {}",
  "new Set([new Map([[1, 2]])])": "Set(1) { Map(1) { 1 => 2 } }",
  "({m: new Map([[1, 2]])})": "{ m: Map(1) { 1 => 2 } }",
  "new Uint8Array([1, 2])": "Uint8Array(2) [ 1, 2 ]",
  "[new Float64Array(1)]": "[ Float64Array(1) [ 0 ] ]",
  "new BigInt64Array([5n])": "BigInt64Array(1) [ 5n ]",
  "new ArrayBuffer(3)": "ArrayBuffer(3)",
  "({n: 1n})": "{ n: 1n }",
  "new Date(0)": '"1970-01-01T00:00:00.000Z"',
  "new Date(NaN)": "Invalid Date",
  "[new Date(0), new Map()]": "[ 1970-01-01T00:00:00.000Z, Map(0) {} ]",
  "[/a+/gi, new Map()]": "[ /a+/gi, Map(0) {} ]",
  "Object.assign(Object.create(null), {a: 1})": '{"a":1}',
  "({get a() { return 1; }})": '{"a":1}',
  "({get a() { throw 1; }, m: new Map()})": "{ a: [Getter], m: Map(0) {} }",
  "({[Symbol('k')]: 1})": "{}",
  "({toJSON: () => undefined, toString: () => 'mine'})": "mine",
  "new Proxy({a: 1}, {})": '{"a":1}',
  "[Symbol.iterator, new Set()]": "[ Symbol(Symbol.iterator), Set(0) {} ]",
  "[, new Set()]": "[ <empty>, Set(0) {} ]",
  "new (class Point { x = new Set(); })()": "Point { x: Set(0) {} }",
  "({'a b': new Set(), c: 'x'})": '{ "a b": Set(0) {}, c: "x" }',
  "/a+/gi": "/a+/gi",
  "({r: /x/})": "{ r: /x/ }",
  "new DataView(new ArrayBuffer(5), 2)": "DataView(3)",
  "[new DataView(new ArrayBuffer(5))]": "[ DataView(5) ]",
  "(() => { const b = new ArrayBuffer(5); const d = new DataView(b); b.transfer(); return d; })()": "DataView(detached)",
  "Promise.resolve(1)": "Promise {}",
  "({answer: Promise.resolve(1)})": "{ answer: Promise {} }",
  "new WeakMap()": "WeakMap {}",
  "[new WeakSet()]": "[ WeakSet {} ]",
  "(function* () {})()": "Generator {}",
  "({i: [].values()})": "{ i: Array Iterator {} }",
  "new String('s')": '"s"',
  "[new String('s'), new Set()]": '[ [String: "s"], Set(0) {} ]',
  "[new Number(-0), Object(5n), Object(Symbol('y')), new Set()]": "[ [Number: -0], [BigInt: 5n], [Symbol: Symbol(y)], Set(0) {} ]",
  "[-0, NaN]": "[0,null]",
  "new Map([[-0, NaN]])": "Map(1) { 0 => NaN }",
  "[-0, new Map()]": "[ -0, Map(0) {} ]",
  "new (class P { x = 1; get y() { return 2; } m() {} })()": '{"x":1}',
  "({toJSON: () => 'mine', m: new Map()})": '"mine"',
  "({f() {}, s: Symbol('x'), u: undefined, a: 1})": '{"a":1}',
  "new Proxy(() => {}, {})": "function () { [native code] }",
  "new URL('http://a/b')": '"http://a/b"',
  "new Error('')": "Error\n    at cell-1.js:1:6",
  "({e: new TypeError('x')})": "{ e: [TypeError: x\n    at cell-1.js:1:11] }",
};

for (const [source, expected] of Object.entries(cases)) {
  test(`text(${source}) reads ${expected}`, async () => {
    assert.deepEqual(await texts(`text(${source});`), [expected]);
  });
}

test("a cycle is named where it closes, and what is met twice without one is not", async () => {
  assert.deepEqual(
    await texts("const a = {x: 1}; a.self = a; text(a); const b = {}; text({one: b, two: b}); const m = new Map(); m.set(m, 1); text(m);"),
    ["{ x: 1, self: [Circular] }", '{"one":{},"two":{}}', "Map(1) { [Circular] => 1 }"],
  );
});

test("plain data that lies deep is JSON, whole", async () => {
  const [text] = await texts("let a = 'end'; for (let i = 0; i < 200; i++) a = [a]; text(a);");
  assert.equal(text, "[".repeat(200) + '"end"' + "]".repeat(200));
});

test("an error reads as its stack, with its causes and no frame of the runner", async () => {
  const [text] = await texts("text(new TypeError('outer', {cause: new Error('inner')}));");
  assert.match(text, /^TypeError: outer\n {4}at cell-1\.js:1:\d+[^]*\[cause\]: Error: inner\n/);
  assert.doesNotMatch(text, /codemode:runner/);
});

test("an AggregateError shows the errors that it gathers", async () => {
  const [text] = await texts("text(await Promise.any([Promise.reject(new TypeError('a')), Promise.reject(2)]).catch((e) => e));");
  assert.match(text, /^AggregateError: All promises were rejected\n {2}\[errors\]: TypeError: a\n {4}at cell-1\.js:1:/);
});

test("a long list of objects reads in little time", async () => {
  const [text] = await texts("text(Array.from({length: 20_000}, (_, i) => ({i, tags: ['a']})));");
  assert.equal(text.length, JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ i, tags: ["a"] }))).length);
});

test("a long collection is cut, and says by how much", async () => {
  const [text] = await texts("text(new Set(Array.from({length: 1500}, (_, i) => i)));");
  assert.match(text, /^Set\(1500\) \{ 0, 1, .* 999, … 500 more \}$/);
});

test("what is thrown is shown without its getters, its toString or its toStringTag", async () => {
  const said = await run(`
    const spy = () => { text("ran"); return "x"; };
    throw {get [Symbol.toStringTag]() { return spy(); }, get a() { return spy(); }, toString: spy, toJSON: spy, r: (() => {
      const r = /x/g;
      for (const key of ["source", "flags", "global"]) Object.defineProperty(r, key, {get: spy});
      return r;
    })()};`);
  assert.deepEqual(said.map(([kind]) => kind), ["FAILING", "FAILED"]);
  assert.equal(said[1][1].message, "Uncaught { a: [Getter], toString: [Function: spy], toJSON: [Function: spy], r: /x/g }");
});

test("values that share and hold each other read as a text of bounded length, which says what it leaves out", async () => {
  const said = await runRead(`
    const nodes = Array.from({length: 40}, (_, id) => ({id, others: []}));
    for (const a of nodes) for (const b of nodes) if (a !== b) a.others.push(b);
    let shared = ["x"]; for (let i = 0; i < 7; i++) shared = Array(20).fill(shared);
    text(nodes); text({shared, map: new Map()}); console.log(shared); throw {nodes};`);
  const [graph, dag, log, , failed] = said;
  for (const text of [graph[1], dag[1]]) {
    assert.ok(text.length > 1024 * 1024 && text.length < 1100 * 1024);
    assert.match(text, / … \d+ more /);
  }
  assert.match(dag[1], / … 1 more \}$/); // the map
  assert.match(log[2], /^(?:\[ ){8}"x" \], /);
  assert.match(failed[1].message, /^Uncaught \{ nodes: \[ \{ id: 0, others: \[ \{ id: 1, /);
});

test("plain data that is shared all over loses nothing, and that is found out in little time", async () => {
  const said = await run(`
    let a = {n: 1}; for (let i = 0; i < 400; i++) a = [a, a]; // 2 ** 400 ways to the end
    a.push(1n); try { store("k", a); } catch (e) { text(e.message); }
    let deep = ["end"]; const all = []; for (let i = 0; i < 600; i++) all.push(deep = [deep]);
    try { store("k", all); } catch (e) { text(e.message); }`);
  assert.match(said[0][1], /it is or holds a bigint$/);
  assert.match(said[1][1], /it is or holds a value that lies too deep$/);
});

const frame = String.raw`(?:\n {4}at [^\n]*)+`;
const stories = {
  "new Error('outer', {cause: 'timeout on 5432'})": `Error: outer${frame}\\n  \\[cause\\]: "timeout on 5432"`,
  "new Error('outer', {cause: null})": `Error: outer${frame}\\n  \\[cause\\]: null`,
  "new Error('outer', {cause: undefined})": `Error: outer${frame}`,
  "new Error('outer', {cause: {code: 'E1', inner: [1n]}})": `Error: outer${frame}\\n  \\[cause\\]: \\{ code: "E1", inner: \\[ 1n \\] \\}`,
  "new Error('outer', {cause: new Proxy({}, {ownKeys() { throw 1; }})})": `Error: outer${frame}\\n  \\[cause\\]: a value that cannot be read`,
  "new Error('outer', {cause: 'x'.repeat(1e5)})": `Error: outer${frame}\\n  \\[cause\\]: "x+… \\(cut\\)`,
  "(() => { const e = new Error('self'); e.cause = e; return e; })()": `Error: self${frame}\\n  \\[cause\\]: Error: self`,
  "(() => { const e = new Error('self'); e.cause = {e}; return e; })()": `Error: self${frame}\\n  \\[cause\\]: \\{ e: \\[Circular\\] \\}`,
  "(() => { let e = new Error('end'); for (let i = 0; i < 50; i++) e = new Error('e', {cause: {e}}); return e; })()": `Error: e${frame}[^]*\\[cause\\]: \\[Object\\][^]*`,
  "new AggregateError([new Error('x', {cause: new TypeError('deep')}), 'str', undefined], 'all', {cause: new Error('c')})":
    `AggregateError: all${frame}\\n  \\[cause\\]: Error: c${frame}\\n  \\[errors\\]: Error: x${frame}\\n  \\[cause\\]: TypeError: deep${frame}\\n  \\[errors\\]: "str"\\n  \\[errors\\]: undefined`,
  "Object.assign(new Error('s'), {error: new Error('now'), suppressed: 5})": `Error: s${frame}\\n  \\[error\\]: Error: now${frame}\\n  \\[suppressed\\]: 5`,
  "new Error('one\\n    at the door\\ntwo')": `Error: one\\n    at the door\\ntwo\\n {4}at cell-1[^\\n]*`,
  "(() => { const e = new Error('one\\n    at the door'); e.stack; e.message = 'new'; return e; })()": `Error: new\\n {4}at cell-1[^]*`,
  "Object.assign(new Error('one\\n    at the door'), {stack: 'Error: one\\n    at the door\\n    at mine'})": `Error: one\\n    at the door\\n    at mine`,
};

for (const [source, story] of Object.entries(stories)) {
  test(`the story of ${source} is whole`, async () => {
    const [, [, failed]] = await run(`throw ${source};`);
    assert.match(failed.stack, new RegExp(`^${story}$`));
  });
}

test("a SuppressedError shows the error and the one that it suppresses", async () => {
  const [, [, failed]] = await run("throw typeof SuppressedError === 'function' ? new SuppressedError(new Error('a'), 'b', 'm') : Object.assign(new Error('m'), {name: 'SuppressedError', error: new Error('a'), suppressed: 'b'});");
  assert.match(failed.stack, /^SuppressedError: m\n[^]*\n {2}\[error\]: Error: a\n[^]*\n {2}\[suppressed\]: "b"$/);
});

test("errors that hold each other are told in little time", async () => {
  const [, [, failed]] = await run(`
    const errors = Array.from({length: 30}, (_, i) => new Error(i)); for (const e of errors) { e.errors = errors; e.cause = {errors}; } throw errors[0];`);
  assert.match(failed.stack, /^Error: 0\n/);
  assert.ok(failed.stack.length < 17_000);
});
