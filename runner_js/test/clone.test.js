// structuredClone, by node's own.

import { same } from "./compare.js";

const VALUES = [
  "1", "-0", "NaN", "'s'", "''", "true", "null", "undefined", "5n", "Symbol('s')", "() => {}", "class A {}",
  "new Number(-0)", "new String('abc')", "new Boolean(false)", "Object(5n)", "Object(Symbol('x'))",
  "new Date(5)", "new Date(NaN)", "/a+(?<n>b)/giu", "Object.assign(/a/g, {lastIndex: 4, more: 1})",
  "new Map([[1, {a: 1}], [{k: 1}, new Map()]])", "new Set([1, 'x', new Set([{}])])", "Object.assign(new Map([[1, 2]]), {more: 1})",
  "[1, , 3]", "[, , ]", "new Array(5)", "Object.assign([1], {more: 1, '-1': 2})", "[[], [[]]]",
  "({a: 1, b: {c: [undefined]}, 3: 4, 1: 2})", "({['__proto__']: 1, constructor: 2, toString: 3})", "({[Symbol('k')]: 1})",
  "Object.create(null, {a: {value: 1, enumerable: true}})", "Object.create({inherited: 1})", "Object.defineProperty({}, 'hidden', {value: 1})",
  "({get a() { return [this.b]; }, b: 2})", "({get a() { delete this.b; return 1; }, b: 2})", "({get a() { throw new RangeError('g'); }})",
  "new (class Point { x = 1; #y = 2; get z() { return 3; } })()", "new (class More extends Map { extra = 1; })([[1, 2]])", "new (class Mine extends Array {})(3)",
  "new (class Odd extends Error { name = 'Odd'; extra = 1; })('m')",
  "(() => { const a = {}; a.a = a; a.list = [a, [a]]; return a; })()", "(() => { const a = []; a.push(a); return a; })()",
  "(() => { const m = new Map(); m.set(m, m); const s = new Set([m]); s.add(s); return [m, s]; })()",
  "(() => { const shared = {}; return [shared, {shared}, new Map([[shared, shared]])]; })()", "(() => { const d = new Date(1), r = /x/, n = new Number(1); return [d, d, r, r, n, n]; })()",
  "new ArrayBuffer(3)", "new Uint8Array([1, 2, 3]).buffer", "new ArrayBuffer(2, {maxByteLength: 8})",
  "new Uint8Array([1, 2, 3])", "new Float64Array([1.5, -0, NaN])", "new BigInt64Array([-5n])", "new Uint8ClampedArray([300])", "new Uint16Array([1, 2, 3, 4]).subarray(1, 3)",
  "new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)", "(() => { const b = new ArrayBuffer(4); return [new Uint8Array(b), new DataView(b, 2), b, new Uint8Array(b, 1)]; })()",
  "new Error('m')", "new Error()", "new Error('')", "new TypeError('m', {cause: {a: [1]}})", "new RangeError('m', {cause: undefined})", "new EvalError('e')", "new ReferenceError('r')", "new SyntaxError('s')", "new URIError('u')", "new AggregateError([1], 'm')",
  "Object.assign(new Error('m'), {code: 'E', extra: 1})", "Object.assign(new Error('m'), {name: 'TypeError'})", "Object.assign(new TypeError('m'), {name: 'Other'})",
  "Object.defineProperty(new Error('m'), 'message', {get() { return 'got'; }})", "(() => { const e = new Error('m'); e.cause = e; return e; })()",
  "new DOMException('m', 'AbortError')", "new DOMException('m')", "[new DOMException('m', 'DataCloneError')]",
  "new WeakMap()", "new WeakSet()", "new WeakRef({})", "Promise.resolve(1)", "[].values()", "new Map().entries()", "new Set().values()", "'x'[Symbol.iterator]()", "'x'.matchAll(/x/g)", "(function* () {})()", "(async function* () {})()",
  "new Intl.NumberFormat('en')", "new Intl.DateTimeFormat('en')", "Math", "JSON", "[1, [() => {}]]", "new Map([[Symbol('x'), 1]])", "({deep: {er: new Set([() => {}])}})",
  "new URL('http://a/')", "new URLSearchParams('a=1')", "[].values", "Object.freeze([1])", "Object.freeze({a: 1})", "Object.seal(new Map())",
];

same("structuredClone copies every kind of value as node does, and refuses the same", `
  return [${VALUES.map((value) => `[${JSON.stringify(value)}, attempt(() => structuredClone(${value}))]`).join(",\n")}];`);

same("a clone shares nothing with what it was made of", `
  const made = {list: [1], map: new Map([["k", {}]]), bytes: new Uint8Array(2), date: new Date(1), error: new Error("e", {cause: {}})};
  const copy = structuredClone(made);
  copy.list.push(2); copy.map.get("k").x = 1; copy.bytes[0] = 9; copy.date.setTime(7); copy.error.cause.x = 1;
  return [show(made), show(copy), copy.error.stack === made.error.stack];`);

same("what is transferred is the script's no more, and nothing is where the clone was refused", `
  const answers = [];
  const detached = () => { const b = new ArrayBuffer(1); structuredClone(b, {transfer: [b]}); return b; };
  const b = new Uint8Array([1, 2, 3]).buffer;
  const view = new Uint8Array(b, 1);
  const copy = structuredClone({b, view, again: b}, {transfer: new Set([b])});
  answers.push(show(copy), b.byteLength, view.length, b.detached, copy.view.buffer === copy.b);
  const kept = new ArrayBuffer(2);
  answers.push(attempt(() => structuredClone([kept, () => {}], {transfer: [kept]})), kept.byteLength);
  answers.push(attempt(() => structuredClone(1, {transfer: [kept]})), kept.byteLength);
  answers.push(attempt(() => structuredClone(detached())), attempt(() => structuredClone(new Uint8Array(detached()))), attempt(() => structuredClone(1, {transfer: [detached()]})));
  const twice = new ArrayBuffer(1);
  answers.push(attempt(() => structuredClone(1, {transfer: [twice, twice]})), twice.byteLength);
  return answers;`);

same("bad arguments are TypeErrors", `
  return [() => structuredClone(), () => structuredClone(1, 2), () => structuredClone(1, {transfer: 1}), () => structuredClone(1, {transfer: [1]}), () => structuredClone(1, null), () => structuredClone(1, undefined), () => structuredClone(1, {}), () => structuredClone(1, {transfer: []}), () => structuredClone(undefined)].map(refused);`);

