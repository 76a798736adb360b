// Generated from runner_js/src by runner_js/bundle.py. Do not edit.
(() => {
"use strict";

// ── primordials.js ──
const module_primordials = (() => {
// What the runner needs of the language, captured before any script runs. Nothing here is looked up again: a script may
// patch every built-in, and harms only itself.
//
// Rules for every other file: call a method through its captured form; index only own elements, of lists made by
// `list()` or by JSON.parse; no spread, no `for of`, no array destructuring, no `then`, no `await` on a promise that a
// script can reach.

const { bind, call } = Function.prototype;

/** (f) => (self, ...args) => f.call(self, ...args), out of reach of a patched `call`. */
const uncurryThis = bind.bind(call);

const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } =
  Reflect;
const { freeze, keys: objectKeys, setPrototypeOf } = Object;
const hasOwn = Object.hasOwn;
const { isArray } = Array;
const { stringify, parse } = JSON;
const { floor, max, min } = Math;
const { isFinite: isFiniteNumber, isInteger, isSafeInteger } = Number;
const dateNow = Date.now;
const dateToISOString = uncurryThis(Date.prototype.toISOString);
const dateGetTime = uncurryThis(Date.prototype.getTime);

const regExpGetter = (name) => uncurryThis(getOwnPropertyDescriptor(RegExp.prototype, name).get);
/** Throws for what is no RegExp. */
const regExpSource = regExpGetter("source");
const REGEXP_FLAGS = [
  ["d", regExpGetter("hasIndices")],
  ["g", regExpGetter("global")],
  ["i", regExpGetter("ignoreCase")],
  ["m", regExpGetter("multiline")],
  ["s", regExpGetter("dotAll")],
  ["u", regExpGetter("unicode")],
  ["v", regExpGetter("unicodeSets")],
  ["y", regExpGetter("sticky")],
];

const charCodeAt = uncurryThis(String.prototype.charCodeAt);
const indexOf = uncurryThis(String.prototype.indexOf);
const slice = uncurryThis(String.prototype.slice);
const startsWith = uncurryThis(String.prototype.startsWith);
const toWellFormed = uncurryThis(String.prototype.toWellFormed);
const toText = String;
const symbolToString = uncurryThis(Symbol.prototype.toString);
const functionToString = uncurryThis(Function.prototype.toString);

const { load: atomicLoad, store: atomicStore, wait: atomicWait } = Atomics;
const SharedBytes = SharedArrayBuffer;
const Units = Uint16Array;
const Counters = Int32Array;

const MapOf = Map;
const mapGet = uncurryThis(Map.prototype.get);
const mapSet = uncurryThis(Map.prototype.set);
const mapHas = uncurryThis(Map.prototype.has);
const mapDelete = uncurryThis(Map.prototype.delete);
const mapForEach = uncurryThis(Map.prototype.forEach);
const mapSize = uncurryThis(getOwnPropertyDescriptor(Map.prototype, "size").get);
const setForEach = uncurryThis(Set.prototype.forEach);
const setSize = uncurryThis(getOwnPropertyDescriptor(Set.prototype, "size").get);
const WeakMapOf = WeakMap;
const weakGet = uncurryThis(WeakMap.prototype.get);
const weakSet = uncurryThis(WeakMap.prototype.set);
const weakHas = uncurryThis(WeakMap.prototype.has);

const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype);
const typedArrayTag = uncurryThis(getOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag).get);
const typedArrayLength = uncurryThis(getOwnPropertyDescriptor(TypedArrayPrototype, "length").get);
const arrayBufferLength = uncurryThis(getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get);

const ErrorOf = Error;
const RangeErrorOf = RangeError;
const TypeErrorOf = TypeError;
const { isError } = Error;
const AsyncFunction = (async () => {}).constructor;
const PromiseOf = Promise;
const promiseThen = uncurryThis(Promise.prototype.then);
const resolvedPromise = Promise.resolve();
const ProxyOf = Proxy;
const SymbolOf = Symbol;
const TO_STRING_TAG = Symbol.toStringTag;
const ASYNC_ITERATOR = Symbol.asyncIterator;
const ITERATOR = Symbol.iterator;

/** An array that inherits nothing: an index that is not there cannot reach a script's setter or getter. */
const list = () => setPrototypeOf([], null);

/** A record that inherits nothing. */
const bare = () => ({ __proto__: null });
return { __proto__: null, uncurryThis, apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, freeze, objectKeys, setPrototypeOf, hasOwn, isArray, stringify, parse, floor, max, min, isFiniteNumber, isInteger, isSafeInteger, dateNow, dateToISOString, dateGetTime, regExpSource, REGEXP_FLAGS, charCodeAt, indexOf, slice, startsWith, toWellFormed, toText, symbolToString, functionToString, atomicLoad, atomicStore, atomicWait, SharedBytes, Units, Counters, MapOf, mapGet, mapSet, mapHas, mapDelete, mapForEach, mapSize, setForEach, setSize, WeakMapOf, weakGet, weakSet, weakHas, typedArrayTag, typedArrayLength, arrayBufferLength, ErrorOf, RangeErrorOf, TypeErrorOf, isError, AsyncFunction, PromiseOf, promiseThen, resolvedPromise, ProxyOf, SymbolOf, TO_STRING_TAG, ASYNC_ITERATOR, ITERATOR, list, bare };
})();

// ── cell.js ──
const module_cell = (() => {
// The state of the one cell that this engine runs: whether it has ended, and what would wake it.

const { list } = module_primordials;

const cell = {
  __proto__: null,
  /** The file name in the script's positions. */
  name: "",
  /** UTF-16 units that stand before the script on its first line. */
  prologueUnits: 0,
  /** Lines of the script; what stands behind them is not its own. */
  lines: 0,
  started: false,
  ended: false,
  /** Calls made and not answered, those that wait for their turn included. */
  openCalls: 0,
  maxCallsInFlight: 0,
  maxCalls: 0,
  maxArgumentUnits: 0,
  maxStoreBytes: 0,
  maxOutputUnits: 0,
  maxOutputItems: 0,
  maxTimers: 0,
  /** (identifier, module, name, description, freeform) of each tool. */
  tools: list(),
};
return { __proto__: null, cell };
})();

// ── ring.js ──
const module_ring = (() => {
// The ring carries everything out of the engine, in order: a stream of UTF-16 units in shared memory, read without
// entering V8. The payload is written first and the head published last, so the reader never sees half a record that it
// takes for whole. Nothing of a script ever holds the shared buffer.
//
// A record is [kind, length low, length high, …payload]. One that is longer than the free room streams through it.
//
// A script may call the runner where its stack has no room left, and catch the RangeError. A record is then either
// whole or not there: one that fits is taken back, one that would stream is not begun.

const { Counters, SharedBytes, Units, atomicLoad, atomicStore, atomicWait, charCodeAt } = module_primordials;

const RING_UNITS = 1 << 20;
const MASK = RING_UNITS - 1;
const HEAD = 0; // units ever written, modulo 2^32
const TAIL = 1; // units ever read, modulo 2^32
const PARK = 2; // never changes: what `park` waits on
const COUNTER_BYTES = 16;
const HEADER_UNITS = 3;

/** What the records are. `codemode/engine/records.py` reads them by the same numbers; a test compares the two. */
const KIND = {
  __proto__: null,
  TEXT: 1,
  ITEM: 2,
  CALL: 3,
  CANCEL: 4,
  STORE: 5,
  UNSET: 6,
  LOG: 7,
  NOTE: 8,
  YIELD: 9,
  YIELD_TIME: 10,
  OUTPUT_BUDGET: 11,
  FAILING: 12,
  COMPLETED: 13,
  FAILED: 14,
};

const ringBuffer = new SharedBytes(COUNTER_BYTES + RING_UNITS * 2);
const counters = new Counters(ringBuffer, 0, COUNTER_BYTES / 4);
const units = new Units(ringBuffer, COUNTER_BYTES);

let head = 0;
/** Units that may be written before the tail has to be read again; 0 is always safe. */
let room = RING_UNITS;

/** Waits until the reader has made room. Python cannot notify a waiter, so this looks again every millisecond. */
function makeRoom() {
  atomicStore(counters, HEAD, head);
  for (;;) {
    const tail = atomicLoad(counters, TAIL);
    room = RING_UNITS - ((head - tail) | 0);
    if (room > 0) return;
    atomicWait(counters, TAIL, tail, 1);
  }
}

function putUnit(unit) {
  if (room === 0) makeRoom();
  units[head & MASK] = unit;
  head = (head + 1) | 0;
  room -= 1;
}

function putText(text) {
  const length = text.length;
  let at = 0;
  while (at < length) {
    if (room === 0) makeRoom();
    const end = length - at < room ? length : at + room;
    const count = end - at;
    for (; at < end; at++) {
      units[head & MASK] = charCodeAt(text, at);
      head = (head + 1) | 0;
    }
    room -= count;
  }
}

function putHeader(kind, length) {
  putUnit(kind);
  putUnit(length & 0xffff);
  putUnit(length >>> 16);
}

const publish = () => atomicStore(counters, HEAD, head);

const SPARE_FRAMES = 64;

/** Throws V8's RangeError now, where the stack has no room for what is to be done in one piece. */
function ensureStack(frames = SPARE_FRAMES) {
  return frames === 0 ? 0 : 1 + ensureStack(frames - 1);
}

/** One record of one text. */
function put(kind, text) {
  const start = head;
  const streams = HEADER_UNITS + text.length > room;
  if (streams) ensureStack();
  try {
    putHeader(kind, text.length);
    putText(text);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** One record of two texts: [length low, length high, …first, …second]. */
function putPair(kind, first, second) {
  const length = 2 + first.length + second.length;
  const start = head;
  const streams = HEADER_UNITS + length > room;
  if (streams) ensureStack();
  try {
    putHeader(kind, length);
    putUnit(first.length & 0xffff);
    putUnit(first.length >>> 16);
    putText(first);
    putText(second);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** One call: [id low, id high, 1 if a signal may abort it, length of the tool's name, …name, …arguments]. */
function putCall(id, tool, argumentsText, abortable) {
  const length = 4 + tool.length + argumentsText.length;
  const start = head;
  const streams = HEADER_UNITS + length > room;
  if (streams) ensureStack();
  try {
    putHeader(KIND.CALL, length);
    putUnit(id & 0xffff);
    putUnit(id >>> 16);
    putUnit(abortable ? 1 : 0);
    putUnit(tool.length);
    putText(tool);
    putText(argumentsText);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** Stops the engine's thread for good: nothing of the script runs any more, no `finally`, no other callback. */
function park() {
  for (;;) atomicWait(counters, PARK, 0);
}
return { __proto__: null, RING_UNITS, KIND, ringBuffer, ensureStack, put, putPair, putCall, park };
})();

// ── stack.js ──
const module_stack = (() => {
// Stack traces hold the script's own frames, at the script's own positions, and none of the runner's.
//
// `Error.prepareStackTrace` is fixed here, before the script: once redefined by a script it could not be taken back, and
// it would run whenever anyone reads a stack.

const { ErrorOf, WeakMapOf, apply, charCodeAt, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, indexOf, isError, slice, toText, weakGet, weakSet } = module_primordials;
const { cell } = module_cell;

const RUNNER_URL = "codemode:runner";
const MAX_MESSAGE_UNITS = 16384;
const MAX_FRAMES = 20;

/** Where each error whose stack was read was made: {line, column} in the script. */
const positions = new WeakMapOf();

/** At most `MAX_MESSAGE_UNITS` of a text. */
function cut(text) {
  return text.length <= MAX_MESSAGE_UNITS ? text : slice(text, 0, MAX_MESSAGE_UNITS) + "… (cut)";
}

/** The data property `key` of a value or of what it inherits from, without running an accessor. */
function peek(value, key) {
  for (let at = value, depth = 0; at !== null && depth < 32; at = getPrototypeOf(at), depth++) {
    const descriptor = getOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return hasOwn(descriptor, "value") ? descriptor.value : undefined;
  }
  return undefined;
}

/** `Name: message` of an error, without running the script's code. */
function headline(error) {
  const name = peek(error, "name");
  const message = peek(error, "message");
  const shownName = typeof name === "string" && name !== "" ? cut(name) : "Error";
  return typeof message === "string" && message !== "" ? shownName + ": " + cut(message) : shownName;
}

// The methods of a call site, taken from one before a script can touch their prototype.
const site = (() => {
  let methods;
  const before = getOwnPropertyDescriptor(ErrorOf, "prepareStackTrace");
  ErrorOf.prepareStackTrace = (_, sites) => {
    const prototype = getPrototypeOf(sites[0]);
    const method = (name) => {
      const captured = prototype[name];
      return (self) => apply(captured, self, []);
    };
    methods = {
      __proto__: null,
      source: method("getScriptNameOrSourceURL"),
      line: method("getLineNumber"),
      column: method("getColumnNumber"),
      text: method("toString"),
    };
    return "";
  };
  new ErrorOf().stack;
  if (before === undefined) delete ErrorOf.prepareStackTrace;
  return methods;
})();

/** The text of a frame with the columns of the script's first line as the script counts them. */
function withOwnColumns(text) {
  const place = cell.name + ":1:";
  let rest = text;
  let own = "";
  for (let at = indexOf(rest, place); at >= 0; at = indexOf(rest, place)) {
    const start = at + place.length;
    let end = start;
    let column = 0;
    for (; end < rest.length; end++) {
      const digit = charCodeAt(rest, end) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      column = column * 10 + digit;
    }
    own += slice(rest, 0, start) + toText(column > cell.prologueUnits ? column - cell.prologueUnits : column);
    rest = slice(rest, end);
  }
  return own + rest;
}

/** The text of a frame within an eval with the name of the script that holds the eval: V8 has none for it. */
function withOrigin(text) {
  const nameless = "(<anonymous>:";
  const at = indexOf(text, "(eval at ") < 0 ? -1 : indexOf(text, nameless);
  return at < 0 ? text : slice(text, 0, at + 1) + cell.name + slice(text, at + nameless.length - 1);
}

/** The text of one frame, or "" for a frame that is not the script's to see; notes the position in `found`. */
function frameText(callSite, found) {
  const source = site.source(callSite);
  if (source === RUNNER_URL) return "";
  const text = withOwnColumns(withOrigin(site.text(callSite)));
  if (source !== cell.name) return indexOf(text, RUNNER_URL) >= 0 ? "" : text;
  const line = site.line(callSite);
  const column = line === 1 ? site.column(callSite) - cell.prologueUnits : site.column(callSite);
  if (column < 1 || line > cell.lines) return ""; // in the text that stands around the script
  if (found.line === null) {
    found.line = line;
    found.column = column;
  }
  return text;
}

function prepareStackTrace(error, sites) {
  try {
    let text = headline(error);
    const found = { __proto__: null, line: null, column: null };
    const count = sites.length < MAX_FRAMES ? sites.length : MAX_FRAMES;
    for (let i = 0; i < count; i++) {
      const frame = frameText(sites[i], found);
      if (frame !== "") text += "\n    at " + frame;
    }
    weakSet(positions, error, found);
    return text;
  } catch {
    return "Error"; // a script's Proxy or a forged argument threw: there is nothing true to say
  }
}

defineProperty(ErrorOf, "prepareStackTrace", { __proto__: null, value: prepareStackTrace });
ErrorOf.stackTraceLimit = MAX_FRAMES;

const nativeStack = getOwnPropertyDescriptor(new ErrorOf(), "stack");

/** The stack of an error as V8 keeps it; undefined where a script has put an accessor in its place. */
function stackOf(error) {
  const descriptor = getOwnPropertyDescriptor(error, "stack");
  if (descriptor === undefined) return undefined;
  const own = hasOwn(descriptor, "value")
    ? descriptor.value
    : descriptor.get !== undefined && descriptor.get === nativeStack.get
      ? apply(descriptor.get, error, [])
      : undefined;
  return typeof own === "string" ? own : undefined;
}

/** The stack without the headline; "" where there is none. */
function framesOf(error) {
  const stack = stackOf(error);
  if (stack === undefined) return "";
  const at = indexOf(stack, "\n    at ");
  return at < 0 ? "" : slice(stack, at);
}

/** The whole story of an error: headline as it is now, the frames, and its causes. */
function storyOf(error) {
  let story = headline(error) + framesOf(error);
  let cause = peek(error, "cause");
  for (let depth = 0; depth < 5 && isError(cause); depth++, cause = peek(cause, "cause")) {
    story += "\n  [cause]: " + headline(cause) + framesOf(cause);
  }
  return cut(story);
}

/** {line, column} where the error was made in the script, or nulls. */
function positionOf(error) {
  stackOf(error);
  return weakGet(positions, error) ?? { __proto__: null, line: null, column: null };
}
return { __proto__: null, cut, peek, headline, stackOf, storyOf, positionOf };
})();

// ── render.js ──
const module_render = (() => {
// How a value reads as text: what JSON would say where JSON can say it, and what a person would write where it cannot.

const { REGEXP_FLAGS, apply, arrayBufferLength, dateGetTime, dateToISOString, functionToString, getOwnPropertyDescriptor, hasOwn, isArray, isError, list, mapForEach, mapSize, objectKeys, regExpSource, setForEach, setSize, stringify, symbolToString, toText, typedArrayLength, typedArrayTag } = module_primordials;
const { peek, storyOf } = module_stack;

const MAX_DEPTH = 8;
const MAX_JSON_DEPTH = 500;
const MAX_ENTRIES = 1000;

/** What a brand check of V8 says: the getter throws for anything that is not the real thing. */
function branded(check, value) {
  try {
    check(value);
    return true;
  } catch {
    return false;
  }
}

const isMap = (value) => branded(mapSize, value);
const isSet = (value) => branded(setSize, value);
const isDate = (value) => branded(dateGetTime, value);
const isBuffer = (value) => branded(arrayBufferLength, value);
const isRegExp = (value) => branded(regExpSource, value);
const isTypedArray = (value) => typedArrayTag(value) !== undefined;

const contains = (path, value) => {
  for (let i = 0; i < path.length; i++) if (path[i] === value) return true;
  return false;
};

/** True where JSON would lose something: a Map, a cycle, a bigint… anywhere in the value. */
function needsInspection(value, path) {
  if (typeof value === "bigint") return path.length > 0;
  if (typeof value !== "object" || value === null) return false;
  if (contains(path, value) || path.length > MAX_JSON_DEPTH) return true;
  if (isError(value) || isMap(value) || isSet(value) || isTypedArray(value) || isBuffer(value)) return true;
  if (isDate(value)) return false;
  path[path.length] = value;
  const keys = objectKeys(value);
  let found = false;
  for (let i = 0; i < keys.length && !found; i++) {
    const descriptor = getOwnPropertyDescriptor(value, keys[i]);
    found = descriptor !== undefined && hasOwn(descriptor, "value") && needsInspection(descriptor.value, path);
  }
  path.length -= 1;
  return found;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;
const plainKeyTest = PLAIN_KEY.exec;
const keyText = (key) =>
  typeof key === "symbol" ? "[" + symbolToString(key) + "]" : apply(plainKeyTest, PLAIN_KEY, [key]) ? key : stringify(key);

function nameOf(value) {
  const maker = peek(value, "constructor");
  const name = typeof maker === "function" ? peek(maker, "name") : undefined;
  return typeof name === "string" && name !== "" && name !== "Object" ? name + " " : "";
}

/** As RegExp.prototype.toString writes it, out of reach of what a script may have put in the place of its parts. */
function regExpText(value) {
  let text = "/" + regExpSource(value) + "/";
  for (let i = 0; i < REGEXP_FLAGS.length; i++) if (REGEXP_FLAGS[i][1](value)) text += REGEXP_FLAGS[i][0];
  return text;
}

/** Joins up to MAX_ENTRIES of what `each` gives to its callback. */
function entries(open, close, count, each) {
  let text = "";
  let shown = 0;
  each((entry) => {
    if (shown < MAX_ENTRIES) text += (shown === 0 ? "" : ", ") + entry;
    shown += 1;
  });
  if (count > MAX_ENTRIES) text += ", … " + toText(count - MAX_ENTRIES) + " more";
  return text === "" ? open + close : open + " " + text + " " + close;
}

/** The value as a person would write it. Runs none of the script's code, a Proxy's traps apart. */
function inspect(value, path = list()) {
  switch (typeof value) {
    case "string":
      return stringify(value);
    case "bigint":
      return toText(value) + "n";
    case "symbol":
      return symbolToString(value);
    case "function": {
      const name = peek(value, "name");
      return "[Function" + (typeof name === "string" && name !== "" ? ": " + name : "") + "]";
    }
    case "object":
      break;
    default:
      return toText(value);
  }
  if (value === null) return "null";
  if (contains(path, value)) return "[Circular]";
  if (isError(value)) return path.length === 0 ? storyOf(value) : "[" + storyOf(value) + "]";
  if (isDate(value)) return dateGetTime(value) === dateGetTime(value) ? dateToISOString(value) : "Invalid Date";
  if (isRegExp(value)) return regExpText(value);
  if (isBuffer(value)) return "ArrayBuffer(" + toText(arrayBufferLength(value)) + ")";
  if (path.length >= MAX_DEPTH) return isArray(value) ? "[Array]" : "[Object]";

  path[path.length] = value;
  const inner = (part) => inspect(part, path);
  let text;
  if (isMap(value)) {
    const count = mapSize(value);
    text = entries("Map(" + toText(count) + ") {", "}", count, (add) =>
      mapForEach(value, (part, key) => add(inner(key) + " => " + inner(part))));
  } else if (isSet(value)) {
    const count = setSize(value);
    text = entries("Set(" + toText(count) + ") {", "}", count, (add) => setForEach(value, (part) => add(inner(part))));
  } else if (isTypedArray(value)) {
    const count = typedArrayLength(value);
    text = entries(typedArrayTag(value) + "(" + toText(count) + ") [", "]", count, (add) => {
      for (let i = 0; i < count && i <= MAX_ENTRIES; i++) add(inner(value[i]));
    });
  } else if (isArray(value)) {
    const count = value.length;
    text = entries("[", "]", count, (add) => {
      for (let i = 0; i < count && i <= MAX_ENTRIES; i++) add(propertyText(value, i, inner));
    });
  } else {
    const keys = objectKeys(value);
    text = entries(nameOf(value) + "{", "}", keys.length, (add) => {
      for (let i = 0; i < keys.length && i <= MAX_ENTRIES; i++) {
        add(keyText(keys[i]) + ": " + propertyText(value, keys[i], inner));
      }
    });
  }
  path.length -= 1;
  return text;
}

function propertyText(value, key, inner) {
  const descriptor = getOwnPropertyDescriptor(value, key);
  if (descriptor === undefined) return "<empty>";
  return hasOwn(descriptor, "value") ? inner(descriptor.value) : "[Getter]";
}

/** What `text(value)` emits (the rule of the script reference). May run the script's `toJSON` or `toString`. */
function render(value) {
  switch (typeof value) {
    case "string":
      return value;
    case "symbol":
      return symbolToString(value);
    case "object":
      break;
    case "function":
      return functionToString(value);
    default:
      return toText(value);
  }
  if (value === null) return "null";
  if (isError(value)) return storyOf(value);
  if (isDate(value) && dateGetTime(value) !== dateGetTime(value)) return "Invalid Date";
  if (needsInspection(value, list())) return inspect(value);
  const text = stringify(value);
  return text === undefined ? toText(value) : text;
}
return { __proto__: null, inspect, render };
})();

// ── failure.js ──
const module_failure = (() => {
// How a cell ends: completed, or failed with what was thrown. Said once; all later is dropped.

const { bare, isError, stringify, toWellFormed } = module_primordials;
const { cell } = module_cell;
const { KIND, ensureStack, park, put } = module_ring;
const { cut, headline, positionOf, storyOf } = module_stack;
const { inspect } = module_render;

/** What a thrown value comes to, as the fields of the wire's `failed`. May run script code only through a Proxy. */
function describe(thrown) {
  const failure = bare();
  failure.code = "script_error";
  failure.message = "";
  failure.stack = null;
  failure.line = null;
  failure.column = null;
  if (isError(thrown)) {
    const position = positionOf(thrown);
    failure.message = toWellFormed(headline(thrown));
    failure.stack = toWellFormed(storyOf(thrown));
    failure.line = position.line;
    failure.column = position.column;
  } else {
    failure.message = toWellFormed("Uncaught " + cut(typeof thrown === "string" ? thrown : inspect(thrown)));
  }
  return failure;
}

/** The cell has come to its end. */
function complete() {
  if (cell.ended) return;
  put(KIND.COMPLETED, "");
  cell.ended = true;
}

/** The cell has failed: said at once, for reading what was thrown may take for ever. */
function fail(thrown) {
  if (cell.ended) return;
  put(KIND.FAILING, "");
  cell.ended = true;
  let failure;
  try {
    failure = stringify(describe(thrown));
  } catch {
    failure = '{"code":"script_error","message":"the script threw a value that cannot be read","stack":null,' +
      '"line":null,"column":null}';
  }
  put(KIND.FAILED, failure);
}

/** Ends the cell by a limit, the way `exit` does: nothing of the script runs afterwards. */
function failForGood(code, message) {
  ensureStack();
  if (!cell.ended) {
    const failure = bare();
    failure.code = code;
    failure.message = message;
    failure.stack = null;
    failure.line = null;
    failure.column = null;
    put(KIND.FAILED, stringify(failure));
    cell.ended = true;
  }
  park();
}

/** Ends the script as completed; cannot be caught. */
function exit() {
  ensureStack();
  complete();
  park();
}
return { __proto__: null, complete, fail, failForGood, exit };
})();

// ── calls.js ──
const module_calls = (() => {
// Nested calls: each gets an id that is never used again, and one answer. Out of reach of the script: the ids, the open
// calls, the promises that are waited for inside.

const { ErrorOf, MapOf, PromiseOf, TypeErrorOf, bare, defineProperty, freeze, isArray, list, mapDelete, mapGet, mapSet, parse, setPrototypeOf, slice, stringify, toText } = module_primordials;
const { cell } = module_cell;
const { failForGood } = module_failure;
const { KIND, put, putCall } = module_ring;

const MAX_NAME_UNITS = 256;
const ARGUMENTS_RULE = "takes one argument, an object";

/**
 * A promise that a script never sees. Its prototype is its own, so that `await` finds V8's `constructor` there, whatever
 * a script does to Promise.prototype.
 */
class InnerPromise extends PromiseOf {
  constructor(executor) {
    super(executor);
  }
}
defineProperty(InnerPromise.prototype, "constructor", { __proto__: null, value: PromiseOf });
setPrototypeOf(InnerPromise.prototype, null);
freeze(InnerPromise.prototype);

// Fields are defined, not set, so a script's setter on Object.prototype never sees them; and these objects stay fast,
// which bare ones are not.

/** A promise for the runner's own use, and the function that fulfils it. */
class Deferred {
  resolve = undefined;
  promise = new InnerPromise((resolve) => {
    this.resolve = resolve;
  });
}

const innerPromise = () => new Deferred();

/** A call that has no answer yet. */
class Call extends Deferred {
  id = 0;
  /** Its index in `waiting` while its id is 0. */
  place = -1;
  tool;
  text;
  abortable;

  constructor(tool, text, abortable) {
    super();
    this.tool = tool;
    this.text = text;
    this.abortable = abortable;
  }
}

/** What a call was answered. It inherits nothing, so that nobody finds a `then` on it. */
class Answer {
  ok;
  value;

  constructor(ok, value) {
    this.ok = ok;
    this.value = value;
  }
}
setPrototypeOf(Answer.prototype, null);
freeze(Answer.prototype);

function ownValue(target, key, value) {
  defineProperty(target, key, { __proto__: null, value, enumerable: true, configurable: true, writable: true });
}

/** What a failed call rejects with. */
class ToolError extends ErrorOf {
  constructor(answer) {
    super(answer.message);
    ownValue(this, "code", answer.code);
    ownValue(this, "tool", answer.tool);
    ownValue(this, "callId", answer.callId);
  }
}
defineProperty(ToolError.prototype, "name", { __proto__: null, value: "ToolError", configurable: true, writable: true });

const open = new MapOf();
const waiting = list();
let firstWaiting = 0;
let lastId = 0;
let inFlight = 0;
let made = 0;

/** Ids go on from an earlier cell of the same worker. */
function continueIdsAfter(id) {
  lastId = id;
}

const lastCallId = () => lastId;

/** Where the stack ends on the way, the call was not made: its id is the next one's, which takes its place. */
function send(call) {
  const id = lastId + 1;
  mapSet(open, id, call);
  putCall(id, call.tool, call.text, call.abortable);
  call.id = lastId = id;
  call.text = "";
  inFlight += 1;
}

/**
 * One call, sent now or when one in flight has been answered. Gives {ok, value} or {ok: false, …error}; nothing, ever,
 * where the script has ended.
 */
function request(tool, text, signal) {
  if (cell.ended) return innerPromise().promise;
  made += 1;
  if (made > cell.maxCalls) failForGood("call_limit", "the script made more than " + toText(cell.maxCalls) + " calls");
  const call = new Call(tool, text, signal !== undefined);
  if (inFlight < cell.maxCallsInFlight) {
    send(call);
  } else {
    call.place = waiting.length;
    waiting[call.place] = call;
  }
  cell.openCalls += 1;
  if (signal !== undefined) onAbort(signal, call);
  return call.promise;
}

function sendWaiting() {
  if (cell.ended) return;
  while (inFlight < cell.maxCallsInFlight && firstWaiting < waiting.length) {
    const call = waiting[firstWaiting];
    waiting[firstWaiting] = undefined;
    firstWaiting += 1;
    if (call !== null) send(call);
  }
  if (firstWaiting === waiting.length) {
    waiting.length = 0;
    firstWaiting = 0;
  }
}

function settle(call, answer) {
  cell.openCalls -= 1;
  call.resolve(answer);
}

/** Takes the answers that are ready: [id, status, value, id, status, value, …]; 0 is ok. An unknown id is dropped. */
function deliver(text) {
  const answers = parse(text);
  for (let i = 0; i < answers.length; i += 3) {
    const call = mapGet(open, answers[i]);
    if (call === undefined) continue;
    mapDelete(open, answers[i]);
    inFlight -= 1;
    settle(call, new Answer(answers[i + 1] === 0, answers[i + 2]));
  }
  sendWaiting();
}

/** The fields of a `ToolError` for a call that was never made. */
function failureFields(tool, code, message) {
  const fields = bare();
  fields.message = message;
  fields.code = code;
  fields.tool = tool;
  fields.callId = null;
  return fields;
}

const refusal = (tool, code, message) => new ToolError(failureFields(tool, code, message));

function withinLimit(tool, text) {
  if (text.length <= cell.maxArgumentUnits) return text;
  const size = toText(text.length) + " characters of JSON; at most " + toText(cell.maxArgumentUnits) + " are taken";
  throw refusal(tool, "invalid_arguments", tool + ": the argument comes to " + size);
}

/** JSON text of a call's one argument. */
function argumentsText(tool, freeform, given) {
  if (freeform) {
    if (typeof given !== "string") throw refusal(tool, "invalid_arguments", tool + " takes one argument, a string");
    return withinLimit(tool, stringify(given));
  }
  if (given === undefined) return "{}";
  if (typeof given !== "object" || given === null || isArray(given)) {
    throw refusal(tool, "invalid_arguments", tool + " " + ARGUMENTS_RULE);
  }
  let text;
  try {
    text = stringify(given);
  } catch (error) {
    const why = typeof error === "object" && error !== null ? error.message : error;
    throw refusal(tool, "invalid_arguments", tool + ": the argument has no JSON form: " + why);
  }
  if (text === undefined) throw refusal(tool, "invalid_arguments", tool + " " + ARGUMENTS_RULE);
  return withinLimit(tool, text);
}

function signalOf(tool, options) {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== "object") throw new TypeErrorOf(tool + ": the second argument is an object, {signal}");
  const signal = options.signal;
  return signal === undefined || signal === null ? undefined : signal;
}

/** Cancels a call when its signal aborts. A call that still waits for its turn is never made. */
function onAbort(signal, call) {
  const abort = () => {
    if (cell.ended) return;
    if (call.id !== 0) {
      if (mapGet(open, call.id) === call) put(KIND.CANCEL, stringify(call.id));
      return;
    }
    if (waiting[call.place] !== call) return;
    waiting[call.place] = null;
    settle(call, new Answer(false, failureFields(call.tool, "cancelled", call.tool + " was cancelled by its signal")));
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
}

/** The async function for a name that no tool has: the host answers `tool_not_found`, with the names that come near. */
function missingToolFunction(name) {
  const tool = slice(name, 0, MAX_NAME_UNITS);
  return async () => {
    const answer = await request(tool, "{}", undefined);
    throw new ToolError(answer.value);
  };
}

/** The async function by which a script calls one tool. */
function toolFunction(name, tool, freeform) {
  const { [name]: call } = {
    [name]: async (given, options) => {
      const signal = signalOf(tool, options);
      const text = argumentsText(tool, freeform, given);
      const answer = await request(tool, text, signal);
      if (!answer.ok) throw new ToolError(answer.value);
      return answer.value;
    },
  };
  return freeze(call);
}
return { __proto__: null, innerPromise, continueIdsAfter, lastCallId, deliver, missingToolFunction, toolFunction };
})();

// ── store.js ──
const module_store = (() => {
// The session's stored values, as this cell sees them. A value is kept as JSON text; each load parses a fresh clone.

const { MapOf, RangeErrorOf, TypeErrorOf, charCodeAt, mapDelete, mapForEach, mapGet, mapSet, objectKeys, parse, stringify, toText, toWellFormed } = module_primordials;
const { cell } = module_cell;
const { KIND, ensureStack, put, putPair } = module_ring;

const values = new MapOf();
let totalBytes = 0;

/** The length of a well-formed text in UTF-8. */
function utf8Bytes(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** Sets or, with undefined, removes a value; nothing is told to the host. */
function keep(key, text) {
  const before = mapGet(values, key);
  if (before !== undefined) totalBytes -= utf8Bytes(key) + utf8Bytes(before);
  if (text === undefined) {
    mapDelete(values, key);
    return;
  }
  totalBytes += utf8Bytes(key) + utf8Bytes(text);
  mapSet(values, key, text);
}

/** What the session holds when the cell starts: {key: JSON text}. */
function fillStore(stored) {
  const names = objectKeys(stored);
  for (let i = 0; i < names.length; i++) keep(names[i], stored[names[i]]);
}

/** Another cell of the session stored a value, or removed it (null). */
function takeStored(key, text) {
  keep(key, text === null ? undefined : text);
}

function store(key, value) {
  if (typeof key !== "string") throw new TypeErrorOf("store(key, value): the key is a string");
  key = toWellFormed(key);
  if (value === undefined) {
    if (cell.ended || key.length > cell.maxStoreBytes) return; // none of that length is kept
    ensureStack(); // kept here and told to the host, or neither
    keep(key, undefined);
    put(KIND.UNSET, key);
    return;
  }
  let text;
  try {
    text = stringify(value);
  } catch (error) {
    throw new TypeErrorOf("store(" + stringify(key) + "): the value is not JSON-serializable", { __proto__: null, cause: error });
  }
  if (text === undefined) {
    throw new TypeErrorOf("store(" + stringify(key) + "): the value is not JSON-serializable: " + typeof value);
  }
  const before = mapGet(values, key);
  const keyBytes = utf8Bytes(key);
  const after =
    totalBytes + keyBytes + utf8Bytes(text) - (before === undefined ? 0 : keyBytes + utf8Bytes(before));
  if (after > cell.maxStoreBytes) {
    throw new RangeErrorOf(
      "store(" + stringify(key) + "): the session's stored values would come to " + toText(after) +
        " bytes; at most " + toText(cell.maxStoreBytes) + " are kept",
    );
  }
  if (cell.ended) return;
  ensureStack();
  keep(key, text);
  putPair(KIND.STORE, key, text);
}

function load(key) {
  if (typeof key !== "string") throw new TypeErrorOf("load(key): the key is a string");
  const text = mapGet(values, toWellFormed(key));
  return text === undefined ? undefined : parse(text);
}
return { __proto__: null, fillStore, takeStored, store, load };
})();

// ── timers.js ──
const module_timers = (() => {
// The cell's timers. The host's monotonic clock comes in with every entry; Date.now fills the time between, and is never
// trusted to run backwards. One timer fires an entry, so that promise jobs run between two of them.

const { MapOf, RangeErrorOf, TypeErrorOf, apply, dateNow, list, mapDelete, mapGet, mapSet, mapSize, max, min, toText } = module_primordials;
const { cell } = module_cell;
const { innerPromise } = module_calls;
const { fail, failForGood } = module_failure;

const MAX_DELAY_MS = 2 ** 31 - 1;

let entryMs = 0; // the host's clock at the last entry
let entryDate = 0;
let latestMs = 0;
let lastId = 0;
let lastSequence = 0;

/** The live timers, and a binary heap of {due, sequence, id} in which a cleared one stays until it is met. */
const timers = new MapOf();
const heap = list();

/** The host's clock says this now. */
function setClock(nowMs) {
  entryMs = nowMs;
  entryDate = dateNow();
}

/** Milliseconds on the host's monotonic clock. */
function now() {
  latestMs = max(latestMs, entryMs + max(0, dateNow() - entryDate));
  return latestMs;
}

const before = (a, b) => a.due < b.due || (a.due === b.due && a.sequence < b.sequence);

function pushDue(timer) {
  let at = heap.length;
  heap[at] = timer;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(timer, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = timer;
}

function popDue() {
  const first = heap[0];
  const last = heap[heap.length - 1];
  heap.length -= 1;
  const count = heap.length;
  if (count === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && before(heap[child + 1], heap[child])) child += 1;
    if (!before(heap[child], last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}

/** The live timer that is due first, or undefined. */
function firstDue() {
  while (heap.length > 0) {
    const timer = heap[0];
    if (mapGet(timers, timer.id) === timer) return timer;
    popDue();
  }
  return undefined;
}

function schedule(callback, delay, args, repeats) {
  const ms = +delay;
  const delayMs = ms >= 1 && ms <= MAX_DELAY_MS ? ms : 1;
  if (mapSize(timers) >= cell.maxTimers) {
    failForGood("timer_limit", "the script has more than " + toText(cell.maxTimers) + " timers");
  }
  const timer = { __proto__: null, id: ++lastId, sequence: ++lastSequence, due: now() + delayMs, delayMs, callback, args, repeats };
  mapSet(timers, timer.id, timer);
  pushDue(timer);
  return timer.id;
}

function checked(name, callback) {
  if (typeof callback !== "function") throw new TypeErrorOf(name + "(callback, ms): the callback is a function");
}

function setTimeout(callback, delay, ...args) {
  checked("setTimeout", callback);
  return schedule(callback, delay, args, false);
}

function setInterval(callback, delay, ...args) {
  checked("setInterval", callback);
  return schedule(callback, delay, args, true);
}

function clearTimeout(id) {
  if (typeof id === "number") mapDelete(timers, id);
}

function clearInterval(id) {
  clearTimeout(id);
}

async function sleep(ms) {
  const delay = +ms;
  if (!(delay >= 0)) throw new RangeErrorOf("sleep(ms): a number of milliseconds, at least 0");
  const woken = innerPromise();
  schedule(woken.resolve, min(delay, MAX_DELAY_MS), list(), false);
  await woken.promise;
}

/** Milliseconds until the next timer, or -1 where there is none. */
function untilNextTimer() {
  const timer = firstDue();
  return timer === undefined ? -1 : max(0, min(MAX_DELAY_MS, timer.due - now()));
}

/** A callback that gave a promise: if that rejects, the cell fails as by a throw. */
async function watch(result) {
  try {
    await result;
  } catch (thrown) {
    fail(thrown);
  }
}

/** Runs one timer that is due, if any. */
function fireDueTimer() {
  const timer = firstDue();
  if (timer === undefined || timer.due > now() || cell.ended) return;
  popDue();
  if (timer.repeats) {
    timer.due = now() + timer.delayMs;
    timer.sequence = ++lastSequence;
    pushDue(timer);
  } else {
    mapDelete(timers, timer.id);
  }
  try {
    const result = apply(timer.callback, undefined, timer.args);
    if (typeof result === "object" && result !== null) watch(result);
  } catch (thrown) {
    fail(thrown);
  }
}
return { __proto__: null, setClock, now, setTimeout, setInterval, clearTimeout, clearInterval, sleep, untilNextTimer, fireDueTimer };
})();

// ── modules.js ──
const module_modules = (() => {
// The modules that a script may import: namespaces that nobody can write to, and `tools`, which knows what it lacks.

const { ErrorOf, ProxyOf, TO_STRING_TAG, bare, defineProperty, freeze, hasOwn, objectKeys, ownKeys, toText } = module_primordials;
const { cell } = module_cell;
const { missingToolFunction, toolFunction } = module_calls;

const HELPER_MODULES = ["codemode", "@openai/code_mode", "openai/code_mode"];

/** What `tools` answers with undefined, though a script may ask: names that the language itself looks up. */
const silent = bare();
for (const key of ownKeys(Object.prototype)) silent[key] = true;
silent.then = true;
silent.toJSON = true;

const toolsHandler = freeze({
  __proto__: null,
  get(target, key) {
    if (typeof key === "symbol" || hasOwn(target, key)) return target[key];
    return silent[key] === true ? undefined : missingToolFunction(key);
  },
});

function namespace(exports) {
  defineProperty(exports, TO_STRING_TAG, { __proto__: null, value: "Module" });
  return freeze(exports);
}

/** Every module by its specifier, the two globals among them: {namespaces, tools, allTools}. */
function makeModules(helpers) {
  const namespaces = bare();
  const functions = bare();
  const all = [];
  namespaces["tools.js"] = bare();
  for (let i = 0; i < cell.tools.length; i++) {
    const tool = cell.tools[i];
    const identifier = tool[0];
    const module = tool[1];
    const name = tool[2];
    const call = toolFunction(identifier, identifier, tool[4]);
    functions[identifier] = call;
    namespaces["tools.js"][identifier] = call;
    if (module !== "tools.js") {
      namespaces[module] ??= bare();
      namespaces[module][name] = call;
    }
    all[i] = freeze({ module, name, description: tool[3] });
  }
  const tools = new ProxyOf(freeze(functions), toolsHandler);
  const allTools = freeze(all);
  namespaces["tools.js"].tools = tools;
  namespaces["tools.js"].ALL_TOOLS = allTools;
  for (const specifier of objectKeys(namespaces)) namespace(namespaces[specifier]);
  const codemode = bare();
  for (const name of objectKeys(helpers)) codemode[name] = helpers[name];
  namespace(codemode);
  for (const specifier of HELPER_MODULES) namespaces[specifier] = codemode;
  return { __proto__: null, namespaces: freeze(namespaces), tools, allTools };
}

/** What `import(specifier)` comes to. */
function dynamicImport(namespaces) {
  return async (specifier) => {
    const name = toText(specifier);
    if (hasOwn(namespaces, name)) return namespaces[name];
    const error = new ErrorOf('there is no module "' + name + '". Modules: ' + known(namespaces));
    defineProperty(error, "code", { __proto__: null, value: "module_not_found", enumerable: true, configurable: true, writable: true });
    throw error;
  };
}

function known(namespaces) {
  let text = "";
  const names = objectKeys(namespaces);
  for (let i = 0; i < names.length && i < 20; i++) text += (i === 0 ? "" : ", ") + names[i];
  return text;
}
return { __proto__: null, makeModules, dynamicImport };
})();

// ── output.js ──
const module_output = (() => {
// What the model sees: text, images, audio and content blocks, in the order in which the script emitted them.

const { TypeErrorOf, bare, isArray, startsWith, stringify, toText } = module_primordials;
const { cell } = module_cell;
const { failForGood } = module_failure;
const { KIND, put, putPair } = module_ring;
const { render } = module_render;

/** What a frame of the wire carries of one text, whatever the limits say: three bytes a unit, 64 MiB in all. */
const MAX_ITEM_UNITS = 20 * 1024 * 1024;

let units = 0;
let items = 0;

/** True where one more item or note may be emitted; over a limit the cell ends here. */
function admit(length) {
  if (cell.ended) return false;
  units += length;
  items += 1;
  if (units > cell.maxOutputUnits) {
    failForGood("output_limit", "the script's output is longer than " + toText(cell.maxOutputUnits) + " characters");
  }
  if (length > MAX_ITEM_UNITS) {
    failForGood("output_limit", "one item is longer than " + toText(MAX_ITEM_UNITS) + " characters");
  }
  if (items > cell.maxOutputItems) {
    failForGood("output_limit", "the script emitted more than " + toText(cell.maxOutputItems) + " items");
  }
  return true;
}

function output_text(value) {
  const text = render(value);
  if (admit(text.length)) put(KIND.TEXT, text);
}

function emitItem(kind, item) {
  const body = stringify(item);
  if (admit(body.length)) putPair(KIND.ITEM, kind, body);
}

const isRecord = (value) => typeof value === "object" && value !== null && !isArray(value);

function dataUrl(block, kind) {
  if (typeof block.data !== "string" || typeof block.mimeType !== "string") {
    throw new TypeErrorOf(kind + ": an MCP block has `data` (base64 text) and `mimeType`");
  }
  return "data:" + block.mimeType + ";base64," + block.data;
}

const IMAGE_RULE = "image(value, detail?): an http(s) or data: URL, {image_url, detail}, or an MCP image block";

function imageUrl(value) {
  if (typeof value !== "string" || !(startsWith(value, "http://") || startsWith(value, "https://") || startsWith(value, "data:"))) {
    throw new TypeErrorOf(IMAGE_RULE);
  }
  return value;
}

function output_image(value, detail) {
  const item = bare();
  item.type = "image";
  if (isRecord(value) && value.type === "image") {
    item.image_url = dataUrl(value, "image");
  } else if (isRecord(value)) {
    item.image_url = imageUrl(value.image_url);
    if (detail === undefined || detail === null) detail = value.detail;
  } else {
    item.image_url = imageUrl(value);
  }
  if (detail !== undefined && detail !== null) {
    if (typeof detail !== "string") throw new TypeErrorOf("image: detail is a string");
    item.detail = detail;
  }
  emitItem("image", item);
}

function output_audio(value) {
  const item = bare();
  item.type = "audio";
  if (isRecord(value) && value.type === "audio") item.audio_url = dataUrl(value, "audio");
  else if (typeof value === "string" && startsWith(value, "data:")) item.audio_url = value;
  else throw new TypeErrorOf("audio(value): a data: URL or an MCP audio block");
  emitItem("audio", item);
}

function output_content(block) {
  if (isArray(block)) {
    for (let i = 0; i < block.length; i++) output_content(block[i]);
    return;
  }
  if (!isRecord(block) || typeof block.type !== "string") {
    throw new TypeErrorOf("content(block): an MCP content block, or an array of them, not " + (block === null ? "null" : toText(typeof block)));
  }
  if (block.type === "text" && typeof block.text === "string") output_text(block.text);
  else if (block.type === "image") output_image(block);
  else if (block.type === "audio") output_audio(block);
  else {
    const item = bare();
    item.type = "content";
    item.block = block;
    emitItem("content", item);
  }
}
return { __proto__: null, admit, output_text, output_image, output_audio, output_content };
})();

// ── control.js ──
const module_control = (() => {
// What a script says about its own run.

const { TypeErrorOf, isFiniteNumber, floor, min, toText } = module_primordials;
const { cell } = module_cell;
const { KIND, put } = module_ring;
const { admit } = module_output;
const { render } = module_render;

const MAX_SETTING = 2 ** 31 - 1;

function amount(name, value) {
  if (typeof value !== "number" || !isFiniteNumber(value) || value < 0) {
    throw new TypeErrorOf(name + ": a number, at least 0");
  }
  return toText(min(MAX_SETTING, floor(value)));
}

function say(kind, text) {
  if (!cell.ended) put(kind, text);
}

function yield_control() {
  say(KIND.YIELD, "");
}

function set_yield_time(ms) {
  say(KIND.YIELD_TIME, amount("set_yield_time(ms)", ms));
}

function set_max_output_tokens_per_exec_call(tokens) {
  say(KIND.OUTPUT_BUDGET, amount("set_max_output_tokens_per_exec_call(n)", tokens));
}

/** A note counts as output: it has to be bounded too. */
function notify(value) {
  const text = render(value);
  if (admit(text.length)) put(KIND.NOTE, text);
}
return { __proto__: null, yield_control, set_yield_time, set_max_output_tokens_per_exec_call, notify };
})();

// ── console.js ──
const module_console = (() => {
// The script's console: to the cell's log, not to the model.

const { slice, toText } = module_primordials;
const { cell } = module_cell;
const { KIND, putPair } = module_ring;
const { now } = module_timers;
const { inspect } = module_render;
const { cut } = module_stack;

const counts = { __proto__: null };
const started = { __proto__: null };
let indent = "";

const shown = (value) => (typeof value === "string" ? value : inspect(value));

function write(level, values) {
  if (cell.ended) return;
  let text = indent;
  for (let i = 0; i < values.length; i++) text += (i === 0 ? "" : " ") + shown(values[i]);
  putPair(KIND.LOG, level, cut(text));
}

const label = (value) => (value === undefined ? "default" : shown(value));

function writePassed(name) {
  const key = label(name);
  const passed = started[key] === undefined ? "no such timer" : toText(now() - started[key]) + " ms";
  write("log", [key + ": " + passed]);
}

function group(...values) {
  if (values.length > 0) write("log", values);
  indent += "  ";
}

/** The object that a script knows as `console`. */
const scriptConsole = {
  log: (...values) => write("log", values),
  info: (...values) => write("info", values),
  debug: (...values) => write("debug", values),
  warn: (...values) => write("warn", values),
  error: (...values) => write("error", values),
  trace: (...values) => write("debug", values),
  dir: (value) => write("log", [value]),
  dirxml: (...values) => write("log", values),
  table: (value) => write("log", [value]),
  assert: (condition, ...values) => {
    if (condition) return;
    if (values.length === 0) write("error", ["Assertion failed"]);
    else {
      values[0] = "Assertion failed: " + shown(values[0]);
      write("error", values);
    }
  },
  count: (name) => {
    const key = label(name);
    counts[key] = (counts[key] ?? 0) + 1;
    write("log", [key + ": " + toText(counts[key])]);
  },
  countReset: (name) => {
    counts[label(name)] = 0;
  },
  time: (name) => {
    started[label(name)] = now();
  },
  timeLog: (name, ...values) => {
    writePassed(name);
    if (values.length > 0) write("log", values);
  },
  timeEnd: (name) => {
    writePassed(name);
    started[label(name)] = undefined;
  },
  group,
  groupCollapsed: group,
  groupEnd: () => {
    indent = indent.length > 2 ? slice(indent, 2) : "";
  },
  clear: () => {},
};
return { __proto__: null, scriptConsole };
})();

// ── globals.js ──
const module_globals = (() => {
// What stands on the global object: the helpers and what a script expects of a modern runtime; and what must not stand there.

const { defineProperty, freeze, objectKeys } = module_primordials;
const { output_audio, output_content, output_image, output_text } = module_output;
const { notify, set_max_output_tokens_per_exec_call, set_yield_time, yield_control } = module_control;
const { exit } = module_failure;
const { load, store } = module_store;
const { clearInterval, clearTimeout, setInterval, setTimeout, sleep } = module_timers;
const { scriptConsole } = module_console;

/** Shared memory and its waits are the runner's own; a finalizer would be the one task that runs while nobody looks. */
const ABSENT = ["Atomics", "SharedArrayBuffer", "WebAssembly", "FinalizationRegistry"];

const helpers = {
  output_text,
  text: output_text,
  output_image,
  image: output_image,
  output_audio,
  audio: output_audio,
  output_content,
  content: output_content,
  store,
  load,
  set_yield_time,
  yield_control,
  detach: yield_control,
  set_max_output_tokens_per_exec_call,
  notify,
  exit,
  sleep,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
};

function install(name, value) {
  defineProperty(globalThis, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
}

for (const name of ABSENT) delete globalThis[name];
for (const name of objectKeys(helpers)) {
  freeze(helpers[name]);
  install(name, helpers[name]);
}
freeze(helpers);
install("console", scriptConsole);

/** The two globals that depend on the cell's tools. */
function installTools(modules) {
  install("tools", modules.tools);
  install("ALL_TOOLS", modules.allTools);
}
return { __proto__: null, helpers, installTools };
})();

// ── port.js ──
const module_port = (() => {
// The port carries everything into the engine. Its accessors are set and read as items from Python; each is total, for an
// exception that left one would kill the process.
//
// Promise jobs drain before V8's thread takes the next request, so a `get` after a `set` sees all that the set caused.

const { AsyncFunction, bare, defineProperty, floor, freeze, objectKeys, parse, promiseThen, resolvedPromise, stringify } = module_primordials;
const { cell } = module_cell;
const { ringBuffer } = module_ring;
const { continueIdsAfter, deliver, lastCallId } = module_calls;
const { complete, fail } = module_failure;
const { fillStore, takeStored } = module_store;
const { fireDueTimer, setClock, untilNextTimer } = module_timers;
const { dynamicImport, makeModules } = module_modules;
const { helpers, installTools } = module_globals;

const FAULTY = -4;
const ENDED = -3;
const STALLED = -2;
const WAITING = -1;

let modules;
let fault = "";

/** Runs one accessor; what it throws is kept for Python to read, and never leaves. */
function total(body) {
  try {
    return body();
  } catch (error) {
    try {
      fault = "" + error.stack;
    } catch {
      fault = "an error that cannot be read";
    }
    return undefined;
  }
}

const setters = {
  __proto__: null,
  /** JSON text: what `start` says of the cell. */
  cell(text) {
    const given = parse(text);
    cell.name = given.name;
    cell.tools = given.tools;
    cell.maxCallsInFlight = given.maxCallsInFlight;
    cell.maxCalls = given.maxCalls;
    cell.maxStoreBytes = given.maxStoreBytes;
    cell.maxArgumentUnits = given.maxArgumentUnits;
    cell.maxOutputUnits = given.maxOutputUnits;
    cell.maxOutputItems = given.maxOutputItems;
    cell.maxTimers = given.maxTimers;
    continueIdsAfter(given.lastCall);
    fillStore(given.stored);
    modules = makeModules(helpers);
    installTools(modules);
  },
  /** JSON text [UTF-16 units that stand before the script on its first line, its number of lines]. */
  place(text) {
    const place = parse(text);
    cell.prologueUnits = place[0];
    cell.lines = place[1];
  },
  /** The script as a function (`modules.py` says of what form). It starts in a promise job: no frame of ours below it. */
  script(wrapper) {
    const report = (failed, thrown) => {
      if (failed === 1) fail(thrown);
      else complete();
    };
    cell.started = true;
    promiseThen(resolvedPromise, wrapper(report, modules.namespaces, dynamicImport(modules.namespaces)));
  },
  /** Answers to calls, as `deliver` takes them. */
  answers(text) {
    deliver(text);
  },
  /** JSON text [key, JSON text of the value or null]: another cell stored it. */
  stored(text) {
    const entry = parse(text);
    takeStored(entry[0], entry[1]);
  },
  /** Milliseconds on the host's clock; a timer that is due runs. */
  now(ms) {
    setClock(ms);
    if (cell.started) fireDueTimer();
  },
};

let aloneError = "";

const getters = {
  __proto__: null,
  ring: () => ringBuffer,
  /** Milliseconds until the next timer, or why there is none. */
  state() {
    if (fault !== "") return FAULTY;
    if (cell.ended) return ENDED;
    const next = untilNextTimer();
    if (next >= 0) return floor(next + 0.999);
    return cell.openCalls > 0 ? WAITING : STALLED;
  },
  /** JSON text: the names that each module exports, by its specifier. */
  exports() {
    const names = bare();
    for (const specifier of objectKeys(modules.namespaces)) names[specifier] = objectKeys(modules.namespaces[specifier]);
    return stringify(names);
  },
  lastCall: lastCallId,
  /** "" or why the text last given as `alone` does not parse as a function body by itself. */
  alone: () => aloneError,
  /** "" or what an accessor threw. */
  fault: () => fault,
};

function checkAlone(text) {
  aloneError = "";
  try {
    new AsyncFunction(text);
  } catch (error) {
    aloneError = "" + error.message;
  }
}

const port = bare();
for (const name of ["cell", "place", "script", "answers", "stored", "now"]) {
  const body = setters[name];
  defineProperty(port, name, { __proto__: null, set: (value) => total(() => body(value)) });
}
defineProperty(port, "alone", {
  __proto__: null,
  set: (text) => total(() => checkAlone(text)),
  get: () => total(getters.alone),
});
for (const name of ["ring", "state", "exports", "lastCall", "fault"]) {
  defineProperty(port, name, { __proto__: null, get: () => total(getters[name]) });
}

const enginePort = freeze(port);
return { __proto__: null, enginePort };
})();

return module_port.enginePort;
})()
//# sourceURL=codemode:runner
