// What a script expects of a modern runtime, by what node answers. (`clone.test.js` and `url.test.js` have the rest.)

import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import vm from "node:vm";
import { Engine, run, texts } from "./engine.js";
import { same } from "./compare.js";

const OURS = [
  "output_text", "text", "output_image", "image", "output_audio", "audio", "output_content", "content", "store", "load",
  "set_yield_time", "yield_control", "detach", "set_max_output_tokens_per_exec_call", "notify", "exit", "sleep",
  "search_tools", "describe_tool", "as_settled", "tools", "ALL_TOOLS",
];
const RUNTIME = [
  "console", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "queueMicrotask", "structuredClone", "TextEncoder",
  "TextDecoder", "URL", "URLSearchParams", "atob", "btoa", "performance", "AbortController", "AbortSignal", "crypto", "Event",
  "EventTarget", "DOMException",
];
const ABSENT = ["Atomics", "SharedArrayBuffer", "WebAssembly", "FinalizationRegistry"];

test("the global has the names of the language, of the runtime and of the helpers, and no other", async () => {
  const language = vm.runInContext("Object.getOwnPropertyNames(globalThis)", vm.createContext(vm.constants.DONT_CONTEXTIFY));
  const expected = new Set([...language.filter((name) => !ABSENT.includes(name)), ...OURS, ...RUNTIME]);
  const names = "text(Object.getOwnPropertyNames(globalThis).sort().join());";
  // Before and after what is made late has been made, and nothing is enumerated.
  const [before, after, loop] = await texts(`${names} void URL; ${names} const all = []; for (const k in globalThis) all.push(k); text(all.length);`);
  assert.equal(before, [...expected].sort().join());
  assert.equal(after, before);
  assert.equal(loop, "0");
});

test("what is made late is the script's to change, before and after", async () => {
  assert.deepEqual(
    await texts(`
      globalThis.URL = "mine"; text(URL); void TextEncoder; text(URL);
      text(AbortSignal === AbortSignal); text(new AbortController().signal instanceof AbortSignal);
      delete globalThis.atob; text(typeof atob);
      const own = Object.getOwnPropertyDescriptor(globalThis, "TextEncoder"); text([own.value === TextEncoder, own.writable, own.configurable]);
      Object.freeze(globalThis); text(typeof btoa); text(btoa("x"));`),
    ["mine", "mine", "true", "true", "undefined", "[true,true,true]", "function", "eA=="],
  );
});

same("each class has the members that it has in node, enumerated as there", `
  // Against the standard, node does not enumerate these five, and has an event's constants on its class alone.
  const level = (lines) => lines.map((line) => line.replace(/^(reason|throwIfAborted|abort|any|timeout) enumerable/, "$1"));
  return [Event, EventTarget, AbortSignal, AbortController, DOMException, TextEncoder, TextDecoder].map((Class) => [
    Class.name, Class.length, Object.getPrototypeOf(Class) === Function.prototype || Object.getPrototypeOf(Class).name,
    Object.getPrototypeOf(Class.prototype).constructor.name, level(shape(Class.prototype)).filter((line) => !/^isTrusted|^(NONE|.*_PHASE|AT_TARGET) /.test(line)), level(shape(Class)), String(Class.prototype[Symbol.toStringTag]),
  ]);`);

same("a class is called with new, and a member only on its own kind", `
  const instances = [new Event("x"), new EventTarget(), AbortSignal.abort(), new AbortController(), new DOMException(), new TextEncoder(), new TextDecoder(), crypto, performance];
  const classes = [Event, EventTarget, AbortSignal, AbortController, DOMException, TextEncoder, TextDecoder];
  const answers = instances.map((object) => Object.prototype.toString.call(object));
  for (const Class of classes) answers.push(Class.name, refused(() => Class()), refused(() => Class.call({})));
  answers.push(refused(() => new AbortSignal()), refused(() => new (class extends AbortSignal {})()), refused(() => new crypto.constructor()), refused(() => new performance.constructor()));
  for (const Class of classes) {
    for (const key of Object.getOwnPropertyNames(Class.prototype).sort()) {
      if (key === "isTrusted" || /^[A-Z]/.test(key)) continue;
      const own = Object.getOwnPropertyDescriptor(Class.prototype, key);
      if (own.get) answers.push(Class.name + "." + key, refused(() => own.get.call({})));
      if (typeof own.value === "function" && key !== "constructor" && key !== "composedPath") answers.push(Class.name + "." + key + "()", refused(() => own.value.call({}, "x", () => {})));
    }
  }
  return answers;`);

// ── DOMException ──

same("a DOMException is an Error with a name, a code and a cause", `
  const all = [new DOMException(), new DOMException("m"), new DOMException("m", "AbortError"), new DOMException(1, undefined), new DOMException(undefined, null), new DOMException("m", {name: "TimeoutError", cause: 5}), new DOMException("m", {name: "N", cause: undefined})];
  const names = ["IndexSizeError", "SyntaxError", "DataCloneError", "QuotaExceededError", "InvalidCharacterError", "InvalidStateError", "OperationError", "Nope", "toString", "__proto__", "DOMStringSizeError", "NotAllowedError"];
  return [all.map((e) => [show(e), String(e), e instanceof Error, e instanceof DOMException, Object.keys(e), Object.getOwnPropertyNames(e).sort(), typeof e.stack]), names.map((name) => new DOMException("", name).code), DOMException.ABORT_ERR, new DOMException().DATA_CLONE_ERR, refused(() => new DOMException(Symbol()))];`);

test("a DOMException shows where it was made, as the script sees it and as the cell's failure", async () => {
  const said = await run('const e = new DOMException("bad", "AbortError"); text(e); text(e.stack); text({e}); throw e;');
  assert.deepEqual(said.slice(0, 3).map(([, text]) => text), [
    "AbortError: bad\n    at cell-1.js:1:11", "AbortError: bad\n    at cell-1.js:1:11", "{ e: [AbortError: bad\n    at cell-1.js:1:11] }",
  ]);
  const failure = said[4][1];
  assert.deepEqual([failure.message, failure.line, failure.column, failure.stack], ["AbortError: bad", 1, 11, "AbortError: bad\n    at cell-1.js:1:11"]);
});

// ── events ──

const EVENTS = {
  "listeners are called in their order, each once, and what one removes is not called": `
    const t = new EventTarget(), log = [];
    const a = () => { log.push("a"); t.removeEventListener("x", b); t.addEventListener("x", a); }; const b = () => log.push("b");
    t.addEventListener("x", function (e) { log.push(this === t, e.target === t, e.currentTarget === t, e.eventPhase, e.composedPath().length); });
    t.addEventListener("x", a); t.addEventListener("x", a); t.addEventListener("x", b); t.addEventListener("y", b);
    t.addEventListener("x", {handleEvent(e) { log.push("object", this === undefined, e.type); }});
    const e = new Event("x"); log.push(t.dispatchEvent(e), e.currentTarget, e.target === t, e.eventPhase, e.composedPath().length); t.dispatchEvent(e);
    return log;`,
  "a listener may be for once, for one phase, and until a signal aborts": `
    const t = new EventTarget(), log = [], c = new AbortController();
    t.addEventListener("x", () => log.push("once"), {once: true});
    t.addEventListener("x", () => log.push("signal"), {signal: c.signal});
    t.addEventListener("x", () => log.push("never"), {signal: AbortSignal.abort()});
    const both = () => log.push("both"); t.addEventListener("x", both); t.addEventListener("x", both, true); t.addEventListener("x", both, {capture: true});
    t.dispatchEvent(new Event("x")); c.abort(); t.removeEventListener("x", both, {capture: false}); t.dispatchEvent(new Event("x"));
    t.removeEventListener("x", both, {capture: true}); t.dispatchEvent(new Event("x"));
    return log;`,
  "an event can be stopped, and its default prevented where it may be": `
    const t = new EventTarget(), log = [];
    t.addEventListener("x", (e) => { e.preventDefault(); log.push(e.defaultPrevented, e.returnValue); });
    t.addEventListener("x", (e) => { e.stopPropagation(); log.push(e.cancelBubble); e.returnValue = false; });
    t.addEventListener("x", (e) => { e.stopImmediatePropagation(); log.push("last"); });
    t.addEventListener("x", () => log.push("not reached"));
    log.push(t.dispatchEvent(new Event("x")), t.dispatchEvent(new Event("x", {cancelable: true})));
    const p = new EventTarget(); p.addEventListener("x", (e) => e.preventDefault(), {passive: true}); log.push(p.dispatchEvent(new Event("x", {cancelable: true})));
    return log;`,
  "an event says what it was made with": `
    return [new Event("x"), new Event(1, {bubbles: 1, cancelable: true, composed: true}), new Event(undefined, null), new Event("x", {})].map((e) => [e.type, e.bubbles, e.cancelable, e.composed, e.defaultPrevented, e.returnValue, e.cancelBubble, e.eventPhase, e.target, e.srcElement, e.currentTarget, e.isTrusted, typeof e.timeStamp, Event.AT_TARGET, Event.BUBBLING_PHASE]);`,
  "a subclass is a target of its own": `
    class Mine extends EventTarget { constructor() { super(); this.n = 0; this.addEventListener("x", () => this.n++); } fire() { return this.dispatchEvent(new (class extends Event { detail = 5; })("x")); } }
    const m = new Mine(); m.fire(); m.fire(); return [m.n, m instanceof EventTarget, Object.prototype.toString.call(m)];`,
  "bad arguments are refused": `
    const t = new EventTarget(); const e = new Event("x");
    return [() => new Event(), () => new Event("x", 1), () => t.addEventListener("x"), () => t.addEventListener("x", 1), () => t.addEventListener("x", "f"), () => t.removeEventListener("x"), () => t.dispatchEvent(), () => t.dispatchEvent({}), () => t.dispatchEvent({type: "x"}), () => t.addEventListener("x", () => {}, {signal: 1}), () => t.addEventListener("x", () => {}, {signal: null}), () => t.addEventListener("x", undefined), () => new Event(Symbol())].map(refused);`,
};
for (const [name, body] of Object.entries(EVENTS)) same(name, body);

test("where node strays from the standard, events keep to it", async () => {
  assert.deepEqual(
    await texts(`
      const t = new EventTarget(); const f = () => text("f");
      t.addEventListener("x", () => t.addEventListener("x", () => text("added on the way")), {once: true});
      t.addEventListener("x", (e) => text([e.currentTarget === t, e.eventPhase, e.NONE]), {once: true});
      t.addEventListener("x", f, true); t.dispatchEvent(new Event("x")); t.removeEventListener("x", f, true); t.dispatchEvent(new Event("x"));
      const c = new AbortController(); c.signal.onabort = 5; text(c.signal.onabort); text(new DOMException("m", {}).name);
      const one = AbortSignal.any([c.signal]), two = AbortSignal.any([one]);
      two.onabort = () => text("two"); one.onabort = () => text("one"); c.abort();`),
    ["[true,2,0]", "f", "added on the way", "null", "Error", "one", "two"],
  );
});

for (const [source, message] of [
  ["const t = new EventTarget(); t.addEventListener('x', () => { throw new Error('no'); }); t.addEventListener('x', () => text('second')); t.dispatchEvent(new Event('x')); text('third');", "Error: no"],
  ["const c = new AbortController(); c.signal.onabort = () => { throw 'no'; }; c.abort();", "Uncaught no"],
  ["const t = new EventTarget(); t.addEventListener('x', async () => { throw new Error('later'); }); t.dispatchEvent(new Event('x')); await new Promise(() => {});", "Error: later"],
  ["const t = new EventTarget(); t.addEventListener('x', {get handleEvent() { throw 'got'; }}); t.dispatchEvent(new Event('x'));", "Uncaught got"],
  ["queueMicrotask(() => { throw new Error('micro'); }); await new Promise(() => {});", "Error: micro"],
]) {
  test(`a callback that throws fails the cell: ${source}`, async () => {
    const said = await run(source);
    assert.deepEqual(said.map(([kind]) => kind), ["FAILING", "FAILED"]);
    assert.equal(said[1][1].message, message);
  });
}

same("an event cannot be dispatched again while it is under way", `
  const t = new EventTarget(); const e = new Event("x"); const answers = [];
  t.addEventListener("x", () => { try { t.dispatchEvent(e); answers.push("no"); } catch { answers.push("refused"); } }, {once: true});
  t.dispatchEvent(e); return answers;`);

// ── AbortSignal ──

const ABORTS = {
  "a signal aborts once, with its reason": `
    const c = new AbortController(), log = [];
    c.signal.addEventListener("abort", (e) => log.push(e.type, e.target === c.signal, e.isTrusted, e.bubbles, c.signal.aborted));
    log.push(c.signal.aborted, c.signal.reason, attempt(() => c.signal.throwIfAborted()));
    c.abort("why"); c.abort("again"); log.push(c.signal.aborted, c.signal.reason, c.signal === c.signal);
    try { c.signal.throwIfAborted(); } catch (e) { log.push(e); }
    return log;`,
  "the default reason is an AbortError": `
    const c = new AbortController(); c.abort(); const d = new AbortController(); d.abort(undefined); const n = new AbortController(); n.abort(null);
    return [c.signal.reason, d.signal.reason, AbortSignal.abort().reason, AbortSignal.abort(undefined).reason].map((r) => show(r)).concat(show(n.signal.reason), show(AbortSignal.abort(5).reason), c.signal.reason.message);`,
  "onabort keeps its place, and takes functions": `
    const c = new AbortController(), log = []; const s = c.signal;
    log.push(s.onabort); s.onabort = null;
    s.onabort = () => log.push("first"); s.addEventListener("abort", () => log.push("second")); s.onabort = function (e) { log.push("replaced", this === s, e.type); };
    const f = s.onabort; log.push(typeof f); c.abort(); s.onabort = undefined; log.push(s.onabort);
    const d = new AbortController(); d.signal.onabort = () => log.push("removed"); d.signal.onabort = null; d.abort();
    return log;`,
  "any aborts with the first of its signals, with its reason, and all of them know before a listener runs": `
    const a = new AbortController(), b = new AbortController(), log = [];
    const one = AbortSignal.any([a.signal, b.signal]), two = AbortSignal.any([one]), three = AbortSignal.any(new Set([b.signal]));
    a.signal.addEventListener("abort", () => log.push("a", one.aborted, two.aborted, three.aborted));
    two.addEventListener("abort", () => log.push("two"));
    a.abort("A"); b.abort("B");
    log.push(one.reason, two.reason, three.reason, AbortSignal.any([]).aborted, AbortSignal.any([new AbortController().signal, AbortSignal.abort(1), AbortSignal.abort(2)]).reason);
    return log;`,
  "a listener that aborts another signal is as good as any": `
    const a = new AbortController(), b = new AbortController(), log = [];
    a.signal.addEventListener("abort", () => { log.push("a1"); b.abort(); log.push("a2"); }); b.signal.addEventListener("abort", () => { log.push("b"); a.abort(); });
    a.abort(); return log;`,
  "bad arguments are refused": `
    return [() => AbortSignal.any(), () => AbortSignal.any(1), () => AbortSignal.any([1]), () => AbortSignal.any([{aborted: true}]), () => AbortSignal.timeout(), () => AbortSignal.timeout(-1), () => AbortSignal.timeout("5"), () => AbortSignal.timeout(NaN), () => AbortSignal.timeout(2 ** 32)].map(refused);`,
};
for (const [name, body] of Object.entries(ABORTS)) same(name, body);

test("AbortSignal.timeout is a timer of the cell: it counts, it wakes, and it keeps no finished script", async () => {
  const engine = new Engine({ maxTimers: 2 });
  await engine.run("const s = AbortSignal.timeout(50); s.onabort = () => text(s.reason); await new Promise(() => {});");
  assert.ok(engine.port.state > 0 && engine.port.state <= 50);
  const [[kind, reason]] = await engine.tick(1000);
  assert.deepEqual([kind, reason.split("\n")[0]], ["TEXT", "TimeoutError: The operation was aborted due to timeout"]);
  assert.equal(engine.port.state, -2);
  const finished = new Engine();
  assert.deepEqual(await finished.run("AbortSignal.timeout(50);"), [["COMPLETED"]]);
  assert.equal(finished.port.state, -3);
  const long = new Engine();
  await long.run("AbortSignal.timeout(2 ** 32 - 1).onabort = () => text('early'); await new Promise(() => {});");
  assert.deepEqual(await long.tick(1000), []);
});

// ── text ──

const BYTES = [
  "", "61", "c3a9", "e282ac", "f09f9880", "efbbbf61", "efbbbfefbbbf", "ff", "c3", "c328", "e28228", "f0288cbc", "eda080", "edb080", "c080", "f4908080", "e0809f", "f08080af",
  "61ff62c3", "f09f98", "f09f9861", "e282e282ac", "80bfc0", "00", "efbb", "feff0061", "fffe6100", "3dd8", "3dd800de", "00de3dd8", "6100", "3dd86100", "808182939fa0ff", "f0f0f0", "e1a0c0e1a0", "f8888888",
];
const fromHex = "const bytes = (hex) => new Uint8Array((hex.match(/../g) ?? []).map((two) => parseInt(two, 16)));";

same("TextDecoder reads bytes as node does, whole and in pieces, fatal or not", `${fromHex}
  const answers = [];
  for (const label of ["utf-8", "utf-16le", "latin1"]) for (const fatal of [false, true]) for (const ignoreBOM of [false, true]) for (const hex of ${JSON.stringify(BYTES)}) {
    if (label === "latin1" && fatal) continue;
    const given = bytes(hex);
    const whole = attempt(() => new TextDecoder(label, {fatal, ignoreBOM}).decode(given));
    const streamed = attempt(() => {
      const decoder = new TextDecoder(label, {fatal, ignoreBOM}); let text = "";
      for (const byte of given) text += decoder.decode(new Uint8Array([byte]), {stream: true});
      return text + decoder.decode() + "|" + decoder.decode(given);
    });
    // node's latin1 has the 27 characters of windows-1252 wrong in some versions, and no stream of it.
    answers.push([label, fatal, ignoreBOM, hex, whole, label === "latin1" ? "" : streamed]);
  }
  return answers;`);

same("TextDecoder takes labels, buffers and views as node does", `
  const labels = ["utf8", " UTF-8\\n", "unicode-1-1-utf-8", "utf-16", "ucs-2", "latin1", "ascii", "iso-8859-1", "windows-1252", "us-ascii", "nope", "", "__proto__", "toString"];
  const buffer = new Uint8Array([0, 0x61, 0xc3, 0xa9, 0]).buffer;
  return [
    labels.map((label) => attempt(() => new TextDecoder(label).encoding)), attempt(() => new TextDecoder(undefined).encoding), attempt(() => new TextDecoder("utf-8", {fatal: 1, ignoreBOM: "x"}).fatal),
    [buffer, new DataView(buffer, 1, 3), new Uint16Array(buffer, 2, 1), undefined].map((given) => attempt(() => new TextDecoder().decode(given))),
    [null, 1, "x", [], {}].map((given) => refused(() => new TextDecoder().decode(given))), refused(() => new TextDecoder("utf-8", 1)),
  ];`);

same("every byte of windows-1252", `
  const text = new TextDecoder("windows-1252").decode(new Uint8Array(256).map((_, i) => i));
  return [text.length, text];`);

same("TextEncoder writes what node writes", `
  const e = new TextEncoder(); const inputs = ["", "a", "é", "€", "😀", "\\ud800", "\\udc00x", "a\\ud83d", "\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff", undefined, null, 12, {}, [1, 2]];
  const into = (text, size, offset = 0) => { const bytes = new Uint8Array(8).fill(7); return [e.encodeInto(text, bytes.subarray(offset, offset + size)), [...bytes]]; };
  return [
    inputs.map((input) => show(e.encode(input))), show(e.encode()), e.encoding, refused(() => e.encode(Symbol())),
    [["abc", 8], ["abc", 2], ["é€😀", 1], ["é€😀", 4], ["é€😀", 8], ["é€😀", 5, 2], ["\\ud800a", 3], ["", 0], ["a", 0]].map((given) => into(...given)),
    [() => e.encodeInto("x", []), () => e.encodeInto(1, new Uint8Array(1)), () => e.encodeInto("x", new Uint16Array(1)), () => e.encodeInto("x")].map(refused),
  ];`);

test("a long text comes through encoder and decoder whole", async () => {
  assert.deepEqual(
    await texts("const t = 'aé€😀\\n'.repeat(50_000); const b = new TextEncoder().encode(t); text(b.length); text(new TextDecoder().decode(b) === t); text(atob(btoa('\\xff\\x00abc'.repeat(9999))) === '\\xff\\x00abc'.repeat(9999));"),
    [String(50_000 * 11), "true", "true"],
  );
});

same("atob and btoa take and refuse what node's do", `
  const encoded = ["", "YQ==", "YWI=", "YWJj", "YQ", "YWI", "Y", "YQ=", "YQ===", "=", "==", "====", "Y=Q=", "YQ==YQ==", " Y Q = = ", "YQ\\n==", "YQ=\\t=", "YWJj=", "YWJj==", "YWJjZ", "Y\\u00a0Q==", "Y-Q_", "+/+/", "YR==", "YWJ=", "é", "\\u0131QAA", "A".repeat(9), null, undefined, 1, 12, [], {}, true, NaN];
  const plain = ["", "a", "ab", "abc", "abcd", "\\xff\\x00\\x80", "é", "€", "😀", null, undefined, 1, [], {}, true];
  return [encoded.map((text) => attempt(() => atob(text))), plain.map((text) => attempt(() => btoa(text))), refused(() => atob()), refused(() => btoa()), refused(() => atob(Symbol()))];`);

// ── the rest ──

same("queueMicrotask takes its turn among the promises", `
  const log = [];
  Promise.resolve().then(() => { log.push("p1"); queueMicrotask(() => log.push("inner")); }).then(() => log.push("p2"));
  queueMicrotask(() => log.push("m1")); Promise.resolve().then(() => log.push("p3")); queueMicrotask((...given) => log.push("m2", given.length));
  (async () => { await null; log.push("a1"); await null; log.push("a2"); })(); log.push("sync");
  for (let i = 0; i < 9; i++) await null;
  return [log, refused(() => queueMicrotask()), refused(() => queueMicrotask("x")), queueMicrotask(() => {}), queueMicrotask.name, queueMicrotask.length];`);

test("performance counts milliseconds from the script's start by the host's clock, and never back", async () => {
  const engine = new Engine();
  engine.port.now = 5000;
  const before = Date.now();
  const [[, first], [, origin]] = await engine.run("text(performance.now()); text(performance.timeOrigin); text(JSON.stringify(performance)); await sleep(100); text(performance.now()); await sleep(100); text(performance.now());");
  assert.ok(first >= 0 && first < 1000);
  assert.ok(origin >= before - 1 && origin <= Date.now());
  const [[, second]] = await engine.tick(1_000_000.5);
  assert.ok(second > 900_000 && second < 1_100_000);
  engine.port.now = 5500; // a clock that goes back
  const [[, third]] = await engine.tick(1_000_200.25);
  assert.ok(Number(third) >= Number(second));
});

same("crypto takes and refuses what node's does", `
  const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array];
  const given = new Uint8Array(4);
  const view = new Uint8Array(64); const part = crypto.getRandomValues(view.subarray(8, 40));
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  return [
    kinds.map((Kind) => attempt(() => crypto.getRandomValues(new Kind(2)).length)), crypto.getRandomValues(given) === given, part.some((b) => b), [...view.slice(0, 8), ...view.slice(40)],
    attempt(() => crypto.getRandomValues(new Uint8Array(65536)).length), attempt(() => crypto.getRandomValues(new Uint8Array(65537))), attempt(() => crypto.getRandomValues(new Uint32Array(16385))), attempt(() => crypto.getRandomValues(new DataView(new ArrayBuffer(1)))), refused(() => crypto.getRandomValues(1)), refused(() => crypto.getRandomValues([])),
    Array.from({length: 100}, () => crypto.randomUUID()).every((id) => uuid.test(id)), new Set(Array.from({length: 1000}, () => crypto.randomUUID())).size, crypto === crypto,
    refused(() => crypto.randomUUID.call({})), refused(() => crypto.getRandomValues.call({}, given)), Object.keys(crypto).length,
  ];`);

test("random bytes are those of ChaCha20 under the cell's seed, none twice", async () => {
  const seed = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
  const [given] = await texts("text([...Array.from({length: 5}, () => [...crypto.getRandomValues(new Uint8Array(77))]).flat()].join());", { seed });
  const stream = createCipheriv("chacha20", Buffer.from(seed, "hex"), Buffer.alloc(16)).update(Buffer.alloc(385));
  assert.equal(given, [...stream].join());
});
