// Generated from runner_js/src by runner_js/bundle.py. Do not edit.
(() => {
"use strict";

// primordials.js
const module_primordials = (() => {
const { bind, call } = Function.prototype;

const uncurryThis = bind.bind(call);

const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } =
Reflect;
const { freeze, keys: objectKeys, setPrototypeOf } = Object;
const hasOwn = Object.hasOwn;
const { isArray } = Array;
const { stringify, parse } = JSON;
const evaluate = eval;
const { floor, max, min, trunc: truncate } = Math;
const toNumber = Number;
const { isFinite: isFiniteNumber, parseFloat: parseDecimal } = Number;
const DateOf = Date;
const dateNow = Date.now;
const dateToISOString = uncurryThis(Date.prototype.toISOString);
const dateGetTime = uncurryThis(Date.prototype.getTime);

const regExpGetter = (name) => uncurryThis(getOwnPropertyDescriptor(RegExp.prototype, name).get);
const RegExpOf = RegExp;
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

const { fromCharCode } = String;
const charCodeAt = uncurryThis(String.prototype.charCodeAt);
const indexOf = uncurryThis(String.prototype.indexOf);
const slice = uncurryThis(String.prototype.slice);
const startsWith = uncurryThis(String.prototype.startsWith);
const toWellFormed = uncurryThis(String.prototype.toWellFormed);
const toLowerCase = uncurryThis(String.prototype.toLowerCase);
const toText = String;
const symbolToString = uncurryThis(Symbol.prototype.toString);
const functionToString = uncurryThis(Function.prototype.toString);

const UNBOX = [
["Number", uncurryThis(Number.prototype.valueOf)],
["String", uncurryThis(String.prototype.valueOf)],
["Boolean", uncurryThis(Boolean.prototype.valueOf)],
["BigInt", uncurryThis(BigInt.prototype.valueOf)],
["Symbol", uncurryThis(Symbol.prototype.valueOf)],
];
const ObjectOf = Object;

const { load: atomicLoad, store: atomicStore, wait: atomicWait } = Atomics;
const SharedBytes = SharedArrayBuffer;
const Units = Uint16Array;
const Counters = Int32Array;
const Bytes = Uint8Array;
const Words = Uint32Array;

const MapOf = Map;
const mapGet = uncurryThis(Map.prototype.get);
const mapSet = uncurryThis(Map.prototype.set);
const mapHas = uncurryThis(Map.prototype.has);
const mapDelete = uncurryThis(Map.prototype.delete);
const mapForEach = uncurryThis(Map.prototype.forEach);
const mapSize = uncurryThis(getOwnPropertyDescriptor(Map.prototype, "size").get);
const SetOf = Set;
const setAdd = uncurryThis(Set.prototype.add);
const setDelete = uncurryThis(Set.prototype.delete);
const setForEach = uncurryThis(Set.prototype.forEach);
const setSize = uncurryThis(getOwnPropertyDescriptor(Set.prototype, "size").get);
const WeakMapOf = WeakMap;
const weakGet = uncurryThis(WeakMap.prototype.get);
const weakSet = uncurryThis(WeakMap.prototype.set);


const getter = (prototype, name) => uncurryThis(getOwnPropertyDescriptor(prototype, name).get);
const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype);
const typedArrayTag = getter(TypedArrayPrototype, Symbol.toStringTag);
const typedArrayLength = getter(TypedArrayPrototype, "length");
const typedArrayBuffer = getter(TypedArrayPrototype, "buffer");
const typedArrayByteOffset = getter(TypedArrayPrototype, "byteOffset");
const typedArrayByteLength = getter(TypedArrayPrototype, "byteLength");
const typedArraySet = uncurryThis(TypedArrayPrototype.set);
const TYPED_ARRAYS = { __proto__: null };
for (const Maker of [
Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array,
Float32Array, Float64Array, globalThis.Float16Array,
]) {
if (Maker !== undefined) TYPED_ARRAYS[Maker.name] = Maker;
}
const DataViewOf = DataView;
const dataViewBuffer = getter(DataView.prototype, "buffer");
const dataViewByteOffset = getter(DataView.prototype, "byteOffset");
const dataViewByteLength = getter(DataView.prototype, "byteLength");
const BufferOf = ArrayBuffer;
const arrayBufferLength = getter(ArrayBuffer.prototype, "byteLength");
const arrayBufferMaxLength = getter(ArrayBuffer.prototype, "maxByteLength");
const arrayBufferIsResizable = getter(ArrayBuffer.prototype, "resizable");
const arrayBufferIsDetached = getter(ArrayBuffer.prototype, "detached");
const arrayBufferTransfer = uncurryThis(ArrayBuffer.prototype.transfer);

const ErrorOf = Error;
const RangeErrorOf = RangeError;
const TypeErrorOf = TypeError;
const { isError } = Error;
const ERRORS = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const AsyncFunction = (async () => {}).constructor;
const PromiseOf = Promise;
const promiseThen = uncurryThis(Promise.prototype.then);
const resolvedPromise = Promise.resolve();
const ProxyOf = Proxy;
const TO_STRING_TAG = Symbol.toStringTag;
const ITERATOR = Symbol.iterator;

const list = () => setPrototypeOf([], null);

const bare = () => ({ __proto__: null });
return { __proto__: null, uncurryThis, apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, freeze, objectKeys, setPrototypeOf, hasOwn, isArray, stringify, parse, evaluate, floor, max, min, truncate, toNumber, isFiniteNumber, parseDecimal, DateOf, dateNow, dateToISOString, dateGetTime, RegExpOf, regExpSource, REGEXP_FLAGS, fromCharCode, charCodeAt, indexOf, slice, startsWith, toWellFormed, toLowerCase, toText, symbolToString, functionToString, UNBOX, ObjectOf, atomicLoad, atomicStore, atomicWait, SharedBytes, Units, Counters, Bytes, Words, MapOf, mapGet, mapSet, mapHas, mapDelete, mapForEach, mapSize, SetOf, setAdd, setDelete, setForEach, setSize, WeakMapOf, weakGet, weakSet, typedArrayTag, typedArrayLength, typedArrayBuffer, typedArrayByteOffset, typedArrayByteLength, typedArraySet, TYPED_ARRAYS, DataViewOf, dataViewBuffer, dataViewByteOffset, dataViewByteLength, BufferOf, arrayBufferLength, arrayBufferMaxLength, arrayBufferIsResizable, arrayBufferIsDetached, arrayBufferTransfer, ErrorOf, RangeErrorOf, TypeErrorOf, isError, ERRORS, AsyncFunction, PromiseOf, promiseThen, resolvedPromise, ProxyOf, TO_STRING_TAG, ITERATOR, list, bare };
})();

// cell.js
const module_cell = (() => {
const { list } = module_primordials;

const cell = {
__proto__: null,
name: "",
prologueUnits: 0,
lines: 0,
started: false,
ended: false,
openCalls: 0,
maxCallsInFlight: 0,
maxCalls: 0,
maxArgumentUnits: 0,
maxArgumentUnitsInFlight: 0,
maxStoreBytes: 0,
maxStoreKeys: 0,
maxOutputUnits: 0,
maxOutputItems: 0,
maxTimers: 0,
seed: "",
tools: list(),
};
return { __proto__: null, cell };
})();

// ring.js
const module_ring = (() => {
const { Counters, SharedBytes, Units, atomicLoad, atomicStore, atomicWait, charCodeAt, toWellFormed } = module_primordials;

const MAX_TEXT_UNITS = 20 * 1024 * 1024;

const RING_UNITS = 1 << 20;
const MASK = RING_UNITS - 1;
const HEAD = 0; // units ever written, modulo 2^32
const TAIL = 1; // units ever read, modulo 2^32
const PARK = 2; // never changes: what `park` waits on
const COUNTER_BYTES = 16;
const HEADER_UNITS = 3;

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
let room = RING_UNITS;

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

const SPARE_FRAMES = 400;
const STREAM_FRAMES = 200;

function ensureStack(frames = SPARE_FRAMES) {
return frames === 0 ? 0 : 1 + ensureStack(frames - 1);
}

function put(kind, given) {
const text = toWellFormed(given);
const start = head;
const streams = HEADER_UNITS + text.length > room;
if (streams) ensureStack(STREAM_FRAMES);
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

function putPair(kind, first, given) {
const second = toWellFormed(given);
const length = 2 + first.length + second.length;
const start = head;
const streams = HEADER_UNITS + length > room;
if (streams) ensureStack(STREAM_FRAMES);
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

function putCall(id, tool, argumentsText, abortable) {
const length = 4 + tool.length + argumentsText.length;
const start = head;
const streams = HEADER_UNITS + length > room;
if (streams) ensureStack(STREAM_FRAMES);
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

function park() {
for (;;) atomicWait(counters, PARK, 0);
}
return { __proto__: null, MAX_TEXT_UNITS, RING_UNITS, KIND, ringBuffer, ensureStack, put, putPair, putCall, park };
})();

// define.js
const module_define = (() => {
const { TO_STRING_TAG, defineProperty, getOwnPropertyDescriptor, ownKeys } = module_primordials;

function ownValue(target, key, value) {
defineProperty(target, key, { __proto__: null, value, enumerable: true, configurable: true, writable: true });
}

function hiddenValue(target, key, value) {
defineProperty(target, key, { __proto__: null, value, enumerable: false, configurable: true, writable: true });
}

function constants(Maker, numbers) {
for (const name of ownKeys(numbers)) {
const fixed = { __proto__: null, value: numbers[name], enumerable: true };
defineProperty(Maker, name, fixed);
defineProperty(Maker.prototype, name, fixed);
}
}

function enumerated(target, except) {
for (const key of ownKeys(target)) {
const descriptor = getOwnPropertyDescriptor(target, key);
if (typeof key === "symbol" || except(key) || !descriptor.configurable) continue;
descriptor.enumerable = true;
defineProperty(target, key, descriptor);
}
}

function asInterface(Maker, name) {
enumerated(Maker.prototype, (key) => key === "constructor");
enumerated(Maker, (key) => key === "length" || key === "name" || key === "prototype");
defineProperty(Maker.prototype, TO_STRING_TAG, { __proto__: null, value: name, configurable: true });
}

function codedError(Maker, code, message) {
const error = new Maker(message);
ownValue(error, "code", code);
return error;
}
return { __proto__: null, ownValue, hiddenValue, constants, asInterface, codedError };
})();

// stack.js
const module_stack = (() => {
const { ErrorOf, WeakMapOf, apply, charCodeAt, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, indexOf, isArray, isError, list, slice, startsWith, toText, weakGet, weakSet } = module_primordials;
const { cell } = module_cell;

const RUNNER_URL = "codemode:runner";
const MAX_MESSAGE_UNITS = 16384;
const MAX_FRAMES = 20;
const MAX_TOLD = 16;
const MAX_MEMBERS = 5;

const positions = new WeakMapOf();

const titles = new WeakMapOf();

function setTitle(error, name, message) {
weakSet(titles, error, { __proto__: null, name, message });
}

const titleOf = (error) => weakGet(titles, error);

function cut(text) {
return text.length <= MAX_MESSAGE_UNITS ? text : slice(text, 0, MAX_MESSAGE_UNITS) + "\u2026 (cut)";
}

function peek(value, key) {
for (let at = value, depth = 0; at !== null && depth < 32; at = getPrototypeOf(at), depth++) {
const descriptor = getOwnPropertyDescriptor(at, key);
if (descriptor !== undefined) return hasOwn(descriptor, "value") ? descriptor.value : undefined;
}
return undefined;
}

function headline(error) {
const title = titleOf(error);
const name = peek(error, "name") ?? title?.name;
const message = peek(error, "message") ?? title?.message;
const shownName = typeof name === "string" && name !== "" ? cut(name) : "Error";
return typeof message === "string" && message !== "" ? shownName + ": " + cut(message) : shownName;
}

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

function withOrigin(text) {
const nameless = "(<anonymous>:";
const at = indexOf(text, "(eval at ") < 0 ? -1 : indexOf(text, nameless);
return at < 0 ? text : slice(text, 0, at + 1) + cell.name + slice(text, at + nameless.length - 1);
}

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
const found = { __proto__: null, line: null, column: null, stack: "", framesAt: text.length };
const count = sites.length < MAX_FRAMES ? sites.length : MAX_FRAMES;
for (let i = 0; i < count; i++) {
const frame = frameText(sites[i], found);
if (frame !== "") text += "\n    at " + frame;
}
found.stack = text;
weakSet(positions, error, found);
return text;
} catch {
return "Error"; // a script's Proxy or a forged argument threw: there is nothing true to say
}
}

defineProperty(ErrorOf, "prepareStackTrace", { __proto__: null, value: prepareStackTrace });
ErrorOf.stackTraceLimit = MAX_FRAMES;

const nativeStack = getOwnPropertyDescriptor(new ErrorOf(), "stack");

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

function framesOf(error) {
const stack = stackOf(error);
if (stack === undefined) return "";
const found = weakGet(positions, error);
if (found !== undefined && found.stack === stack) return slice(stack, found.framesAt);
const title = headline(error);
const at = indexOf(stack, "\n    at ", startsWith(stack, title) ? title.length : 0);
return at < 0 ? "" : slice(stack, at);
}

function shownBy(show, value) {
try {
return cut(show(value));
} catch {
return "a value that cannot be read";
}
}

function tell(error, show, told) {
for (let i = 0; i < told.length; i++) if (told[i] === error) return headline(error);
if (told.length >= MAX_TOLD) return headline(error);
told[told.length] = error;
const part = (label, value) =>
"\n  [" + label + "]: " + (isError(value) ? tell(value, show, told) : shownBy(show, value));
let story = headline(error) + framesOf(error);
const cause = peek(error, "cause");
if (cause !== undefined) story += part("cause", cause);
const errors = peek(error, "errors");
for (let i = 0; isArray(errors) && i < errors.length && i < MAX_MEMBERS; i++) {
story += part("errors", peek(errors, toText(i)));
}
if (getOwnPropertyDescriptor(error, "suppressed") !== undefined) { // a SuppressedError
story += part("error", peek(error, "error")) + part("suppressed", peek(error, "suppressed"));
}
return story;
}

const storyOf = (error, show) => cut(tell(error, show, list()));

function positionOf(error) {
stackOf(error);
return weakGet(positions, error) ?? { __proto__: null, line: null, column: null };
}
return { __proto__: null, setTitle, titleOf, cut, peek, headline, stackOf, storyOf, positionOf };
})();

// brands.js
const module_brands = (() => {
const { ObjectOf, REGEXP_FLAGS, TO_STRING_TAG, UNBOX, arrayBufferLength, dataViewBuffer, dateGetTime, getPrototypeOf, mapSize, regExpSource, setSize, slice, startsWith, typedArrayTag } = module_primordials;
const { peek } = module_stack;

function branded(check, value) {
try {
check(value);
return true;
} catch {
return false;
}
}

const ObjectPrototype = ObjectOf.prototype;

function isPlain(value) {
const prototype = getPrototypeOf(value);
return prototype === ObjectPrototype || prototype === null;
}

const isMap = (value) => branded(mapSize, value);
const isSet = (value) => branded(setSize, value);
const isDate = (value) => branded(dateGetTime, value);
const isBuffer = (value) => branded(arrayBufferLength, value);
const isRegExp = (value) => branded(regExpSource, value);
const isTypedArray = (value) => typedArrayTag(value) !== undefined;
const isDataView = (value) => branded(dataViewBuffer, value);

function regExpFlags(value) {
let flags = "";
for (let i = 0; i < REGEXP_FLAGS.length; i++) if (REGEXP_FLAGS[i][1](value)) flags += REGEXP_FLAGS[i][0];
return flags;
}

function unboxed(value) {
for (let i = 0; i < UNBOX.length; i++) {
try {
return { __proto__: null, name: UNBOX[i][0], value: UNBOX[i][1](value) };
} catch {
}
}
return undefined;
}

const OPAQUE = {
__proto__: null, Promise: true, WeakMap: true, WeakSet: true, WeakRef: true, Generator: true, AsyncGenerator: true,
};

function opaqueKind(value) {
const tag = peek(value, TO_STRING_TAG);
if (typeof tag !== "string") return undefined;
const opaque =
OPAQUE[tag] === true || startsWith(tag, "Intl.") || startsWith(tag, "Temporal.") || slice(tag, -9) === " Iterator";
return opaque ? tag : undefined;
}
return { __proto__: null, isPlain, isMap, isSet, isDate, isBuffer, isRegExp, isTypedArray, isDataView, regExpFlags, unboxed, opaqueKind };
})();

// render.js
const module_render = (() => {
const { MapOf, apply, arrayBufferLength, dataViewByteLength, dateGetTime, dateToISOString, functionToString, getOwnPropertyDescriptor, hasOwn, isArray, isError, list, mapForEach, mapGet, mapSet, mapSize, min, objectKeys, regExpSource, setForEach, setSize, stringify, symbolToString, toText, typedArrayLength, typedArrayTag } = module_primordials;
const { isBuffer, isDataView, isDate, isMap, isPlain, isRegExp, isSet, isTypedArray, opaqueKind, regExpFlags, unboxed } = module_brands;
const { peek, storyOf } = module_stack;

const MAX_DEPTH = 8;
const MAX_JSON_DEPTH = 500;
const MAX_ENTRIES = 1000;
const MAX_SHOWN_UNITS = 1024 * 1024;

const contains = (path, value) => {
for (let i = 0; i < path.length; i++) if (path[i] === value) return true;
return false;
};

function kindWithoutJson(value) {
if (isError(value)) return "an Error";
if (isArray(value) || isPlain(value)) return undefined;
if (isMap(value)) return "a Map";
if (isSet(value)) return "a Set";
if (isTypedArray(value)) return "a typed array";
if (isBuffer(value)) return "an ArrayBuffer";
if (isDataView(value)) return "a DataView";
if (isRegExp(value)) return "a RegExp";
const opaque = opaqueKind(value);
return opaque === undefined ? undefined : "an object of the kind " + opaque;
}

function lostInJson(value, isStrict, path = list(), whole = new MapOf()) {
if (typeof value === "bigint") return "a bigint";
if (typeof value === "function" || typeof value === "symbol") return isStrict ? "a " + typeof value : undefined;
if (typeof value !== "object" || value === null) return undefined;
if (contains(path, value)) return "a cycle";
if (path.length > MAX_JSON_DEPTH) return "a value that lies too deep";
if (mapGet(whole, value) >= path.length) return undefined;
const kind = kindWithoutJson(value);
if (kind !== undefined) return kind;
if (typeof peek(value, "toJSON") === "function") return undefined;
path[path.length] = value;
const count = isArray(value) ? value.length : 0;
let lost;
for (let i = 0; i < count && lost === undefined; i++) lost = lostInJson(value[i], isStrict, path, whole);
if (!isArray(value)) {
const keys = objectKeys(value);
for (let i = 0; i < keys.length && lost === undefined; i++) {
const descriptor = getOwnPropertyDescriptor(value, keys[i]);
if (descriptor === undefined || !hasOwn(descriptor, "value")) continue;
lost = lostInJson(descriptor.value, isStrict, path, whole);
}
}
path.length -= 1;
if (lost === undefined) mapSet(whole, value, path.length);
return lost;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;
const plainKeyTest = PLAIN_KEY.exec;
const keyText = (key) =>
typeof key === "symbol" ? "[" + symbolToString(key) + "]" : apply(plainKeyTest, PLAIN_KEY, [key]) ? key : stringify(key);

function nameOf(value) {
const maker = peek(value, "constructor");
const name = typeof maker === "function" ? peek(maker, "name") : opaqueKind(value);
return typeof name === "string" && name !== "" && name !== "Object" ? name + " " : "";
}

class Walk {
path = list();
unitsLeft = MAX_SHOWN_UNITS;
}

function entries(walk, open, close, count, each) {
let text = "";
let shown = 0;
each((make) => {
if (shown >= MAX_ENTRIES || walk.unitsLeft <= 0) return;
const before = walk.unitsLeft;
const entry = (shown === 0 ? "" : ", ") + make();
walk.unitsLeft = min(walk.unitsLeft, before - entry.length);
text += entry;
shown += 1;
});
if (count > shown) text += (shown === 0 ? "" : ", ") + "\u2026 " + toText(count - shown) + " more";
return text === "" ? open + close : open + " " + text + " " + close;
}

function dataViewText(value) {
try {
return "DataView(" + toText(dataViewByteLength(value)) + ")";
} catch {
return "DataView(detached)";
}
}

function leafText(value, walk) {
if (isDate(value)) return dateGetTime(value) === dateGetTime(value) ? dateToISOString(value) : "Invalid Date";
if (isRegExp(value)) return "/" + regExpSource(value) + "/" + regExpFlags(value);
if (isBuffer(value)) return "ArrayBuffer(" + toText(arrayBufferLength(value)) + ")";
if (isDataView(value)) return dataViewText(value);
const boxed = unboxed(value);
return boxed === undefined ? undefined : "[" + boxed.name + ": " + inspect(boxed.value, walk) + "]";
}

function errorText(error, walk = new Walk()) {
const path = walk.path;
path[path.length] = error;
const story = storyOf(error, (value) => inspect(value, walk));
path.length -= 1;
return story;
}

function inspect(value, walk = new Walk()) {
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
case "number":
return value === 0 && 1 / value < 0 ? "-0" : toText(value);
case "object":
break;
default:
return toText(value);
}
if (value === null) return "null";
const path = walk.path;
if (contains(path, value)) return "[Circular]";
if (isError(value)) return path.length === 0 ? errorText(value, walk) : "[" + errorText(value, walk) + "]";
const isRecord = isPlain(value);
const leaf = isRecord || isArray(value) ? undefined : leafText(value, walk);
if (leaf !== undefined) return leaf;
if (path.length >= MAX_DEPTH) return isArray(value) ? "[Array]" : "[Object]";

path[path.length] = value;
const inner = (part) => inspect(part, walk);
let text;
if (isArray(value)) {
const count = value.length;
text = entries(walk, "[", "]", count, (add) => {
for (let i = 0; i < count && i <= MAX_ENTRIES; i++) add(() => propertyText(value, i, inner));
});
} else if (!isRecord && isMap(value)) {
const count = mapSize(value);
text = entries(walk, "Map(" + toText(count) + ") {", "}", count, (add) =>
mapForEach(value, (part, key) => add(() => inner(key) + " => " + inner(part))));
} else if (!isRecord && isSet(value)) {
const count = setSize(value);
text = entries(walk, "Set(" + toText(count) + ") {", "}", count, (add) =>
setForEach(value, (part) => add(() => inner(part))));
} else if (!isRecord && isTypedArray(value)) {
const count = typedArrayLength(value);
text = entries(walk, typedArrayTag(value) + "(" + toText(count) + ") [", "]", count, (add) => {
for (let i = 0; i < count && i <= MAX_ENTRIES; i++) add(() => inner(value[i]));
});
} else {
const keys = objectKeys(value);
text = entries(walk, nameOf(value) + "{", "}", keys.length, (add) => {
for (let i = 0; i < keys.length && i <= MAX_ENTRIES; i++) {
add(() => keyText(keys[i]) + ": " + propertyText(value, keys[i], inner));
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
if (isError(value)) return errorText(value);
if (isDate(value) && dateGetTime(value) !== dateGetTime(value)) return "Invalid Date";
if (lostInJson(value, false) !== undefined) return inspect(value);
const text = stringify(value);
return text === undefined ? toText(value) : text;
}
return { __proto__: null, lostInJson, errorText, inspect, propertyText, render };
})();

// failure.js
const module_failure = (() => {
const { bare, isError, stringify, toWellFormed } = module_primordials;
const { cell } = module_cell;
const { KIND, ensureStack, park, put } = module_ring;
const { cut, headline, positionOf } = module_stack;
const { errorText, inspect } = module_render;

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
failure.stack = toWellFormed(errorText(thrown));
failure.line = position.line;
failure.column = position.column;
} else {
failure.message = toWellFormed("Uncaught " + cut(typeof thrown === "string" ? thrown : inspect(thrown)));
}
return failure;
}

function complete() {
if (cell.ended) return;
put(KIND.COMPLETED, "");
cell.ended = true;
}

function fail(thrown) {
if (cell.ended) return;
ensureStack(); // both records, or none
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

function exit() {
ensureStack();
complete();
park();
}
return { __proto__: null, complete, fail, failForGood, exit };
})();

// inner_promise.js
const module_inner_promise = (() => {
const { PromiseOf, RangeErrorOf, defineProperty, freeze, setPrototypeOf } = module_primordials;

class InnerPromise extends PromiseOf {
constructor(executor) {
super(executor);
}
}
defineProperty(InnerPromise.prototype, "constructor", { __proto__: null, value: PromiseOf });
setPrototypeOf(InnerPromise.prototype, null);
freeze(InnerPromise.prototype);


class Deferred {
resolve = undefined;
promise = new InnerPromise((resolve) => {
this.resolve = resolve;
});

constructor() {
if (this.resolve === undefined) throw new RangeErrorOf("Maximum call stack size exceeded");
}
}
return { __proto__: null, Deferred };
})();

// signals.js
const module_signals = (() => {
const { SetOf, WeakMapOf, list, setAdd, setDelete, weakGet, weakSet } = module_primordials;

class SignalState {
isAborted = false;
reason = undefined;
algorithms = new SetOf();
dependents = new SetOf();
sources = list();
onabort = null;
hasHandler = false;
}

const states = new WeakMapOf();

const makeSignal = (object) => weakSet(states, object, new SignalState());

const signalState = (value) => weakGet(states, value);

const addAlgorithm = (signal, algorithm) => setAdd(signalState(signal).algorithms, algorithm);

const removeAlgorithm = (signal, algorithm) => setDelete(signalState(signal).algorithms, algorithm);
return { __proto__: null, makeSignal, signalState, addAlgorithm, removeAlgorithm };
})();

// calls.js
const module_calls = (() => {
const { ErrorOf, MapOf, TypeErrorOf, bare, defineProperty, freeze, isArray, list, mapDelete, mapGet, mapSet, parse, setPrototypeOf, slice, stringify, toText } = module_primordials;
const { cell } = module_cell;
const { ownValue } = module_define;
const { failForGood } = module_failure;
const { Deferred } = module_inner_promise;
const { KIND, put, putCall } = module_ring;
const { addAlgorithm, removeAlgorithm, signalState } = module_signals;

const MAX_NAME_UNITS = 256;
const ARGUMENTS_RULE = "takes one argument, an object";

class Call extends Deferred {
id = 0;
place = -1;
tool;
text;
units;
signal;
abort = undefined;

constructor(tool, text, signal) {
super();
this.tool = tool;
this.text = text;
this.units = text.length;
this.signal = signal;
}
}

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
let unitsInFlight = 0;
let made = 0;

function continueIdsAfter(id) {
lastId = id;
}

const lastCallId = () => lastId;

function send(call) {
const id = lastId + 1;
mapSet(open, id, call);
putCall(id, call.tool, call.text, call.signal !== undefined);
call.id = lastId = id;
call.text = "";
inFlight += 1;
unitsInFlight += call.units;
}

const hasRoomFor = (call) =>
inFlight === 0 ||
(inFlight < cell.maxCallsInFlight && unitsInFlight + call.units <= cell.maxArgumentUnitsInFlight);

function request(tool, text, signal) {
if (cell.ended) return new Deferred().promise;
made += 1;
if (made > cell.maxCalls) failForGood("call_limit", "the script made more than " + toText(cell.maxCalls) + " calls");
const call = new Call(tool, text, signal);
if (firstWaiting === waiting.length && hasRoomFor(call)) {
send(call);
} else {
call.place = waiting.length;
waiting[call.place] = call;
}
cell.openCalls += 1;
if (signal !== undefined) listen(call);
return call.promise;
}

function sendWaiting() {
if (cell.ended) return;
while (firstWaiting < waiting.length) {
const call = waiting[firstWaiting];
if (call !== null && !hasRoomFor(call)) return;
waiting[firstWaiting] = undefined;
firstWaiting += 1;
if (call !== null) send(call);
}
waiting.length = 0;
firstWaiting = 0;
}

function settle(call, answer) {
cell.openCalls -= 1;
if (call.abort !== undefined) removeAlgorithm(call.signal, call.abort);
call.resolve(answer);
}

function deliver(text) {
const answers = parse(text);
for (let i = 0; i < answers.length; i += 3) {
const call = mapGet(open, answers[i]);
if (call === undefined) continue;
mapDelete(open, answers[i]);
inFlight -= 1;
unitsInFlight -= call.units;
settle(call, new Answer(answers[i + 1] === 0, answers[i + 2]));
}
sendWaiting();
}

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
if (signal === undefined || signal === null) return undefined;
if (typeof signal !== "object") throw new TypeErrorOf(tool + ": the signal is an AbortSignal");
return signal;
}

function listen(call) {
const signal = call.signal;
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
const state = signalState(signal);
if (state === undefined ? signal.aborted : state.isAborted) {
abort();
} else if (state === undefined) {
signal.addEventListener("abort", abort);
} else {
call.abort = abort;
addAlgorithm(signal, abort);
}
}

function missingToolFunction(name) {
const tool = slice(name, 0, MAX_NAME_UNITS);
return async () => {
const answer = await request(tool, "{}", undefined);
throw new ToolError(answer.value);
};
}

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
return { __proto__: null, continueIdsAfter, lastCallId, deliver, refusal, missingToolFunction, toolFunction };
})();

// utf8.js
const module_utf8 = (() => {
const { Bytes, charCodeAt } = module_primordials;

const isSurrogate = (unit) => unit >= 0xd800 && unit <= 0xdfff;

function utf8Length(text) {
let bytes = text.length;
for (let i = 0; i < text.length; i++) {
const unit = charCodeAt(text, i);
if (unit > 0x7f) bytes += unit > 0x7ff && !isSurrogate(unit) ? 2 : 1;
}
return bytes;
}

function utf8Into(text, bytes, room) {
let read = 0;
let written = 0;
while (read < text.length) {
let point = charCodeAt(text, read);
const units = isSurrogate(point) ? 2 : 1;
if (units === 2) point = 0x10000 + ((point & 0x3ff) << 10) + (charCodeAt(text, read + 1) & 0x3ff);
const size = point < 0x80 ? 1 : point < 0x800 ? 2 : units === 1 ? 3 : 4;
if (written + size > room) break;
if (size === 1) {
bytes[written] = point;
} else {
for (let i = size - 1; i > 0; i--, point >>= 6) bytes[written + i] = 0x80 | (point & 0x3f);
bytes[written] = ((0xf00 >> size) & 0xff) | point;
}
read += units;
written += size;
}
return { read, written };
}

function utf8Bytes(text) {
const length = utf8Length(text);
const bytes = new Bytes(length);
utf8Into(text, bytes, length);
return bytes;
}
return { __proto__: null, utf8Length, utf8Into, utf8Bytes };
})();

// store.js
const module_store = (() => {
const { MapOf, RangeErrorOf, TypeErrorOf, indexOf, mapDelete, mapGet, mapSet, objectKeys, parse, slice, startsWith, stringify, toText, toWellFormed } = module_primordials;
const { cell } = module_cell;
const { lostInJson } = module_render;
const { KIND, MAX_TEXT_UNITS, ensureStack, put, putPair } = module_ring;
const { utf8Length } = module_utf8;

class Entry {
text;
#key;
#bytes = -1;

constructor(key, text) {
this.text = text;
this.#key = key;
}

get bytes() {
if (this.#bytes < 0) this.#bytes = utf8Length(this.#key) + utf8Length(this.text);
return this.#bytes;
}
}

const values = new MapOf();
let count = 0;
let totalBytes = 0;

function keep(key, entry) {
const before = mapGet(values, key);
if (entry === undefined) mapDelete(values, key);
else mapSet(values, key, entry);
count += (entry === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
totalBytes += (entry === undefined ? 0 : entry.bytes) - (before === undefined ? 0 : before.bytes);
return before;
}

function fillStore(stored, bytes) {
const names = objectKeys(stored);
for (let i = 0; i < names.length; i++) mapSet(values, names[i], new Entry(names[i], stored[names[i]]));
count = names.length;
totalBytes = bytes;
}

function takeStored(key, text) {
keep(key, text === null ? undefined : new Entry(key, text));
}

function jsonText(key, value) {
const refusal = "store(" + stringify(key) + "): the value is not JSON-serializable";
const lost = lostInJson(value, true);
if (lost !== undefined) throw new TypeErrorOf(refusal + ": it is or holds " + lost);
let text;
try {
text = stringify(value);
} catch (error) {
throw new TypeErrorOf(refusal, { __proto__: null, cause: error });
}
if (text === undefined) throw new TypeErrorOf(refusal + ": it has no JSON form");
return wellFormedJson(text);
}

function wellFormedJson(text) {
let whole = "";
let start = 0;
if (indexOf(text, "\\ud") < 0) return text;
for (let at = indexOf(text, "\\"); at >= 0; at = indexOf(text, "\\", at + 2)) {
if (!startsWith(text, "\\ud", at)) continue;
whole += slice(text, start, at) + "\ufffd";
start = at + "\\ud800".length;
}
return whole + slice(text, start);
}

function keepAndTell(key, entry) {
ensureStack();
const before = keep(key, entry);
try {
if (entry === undefined) put(KIND.UNSET, key);
else putPair(KIND.STORE, key, entry.text);
} catch (error) {
keep(key, before);
throw error;
}
}

function store(key, value) {
if (typeof key !== "string") throw new TypeErrorOf("store(key, value): the key is a string");
key = toWellFormed(key);
if (value === undefined) {
if (cell.ended || key.length > cell.maxStoreBytes || key.length > MAX_TEXT_UNITS) return; // none so long is kept
keepAndTell(key, undefined);
return;
}
const entry = new Entry(key, jsonText(key, value));
const before = mapGet(values, key);
const after = totalBytes + entry.bytes - (before === undefined ? 0 : before.bytes);
if (after > cell.maxStoreBytes) {
throw new RangeErrorOf(
"store(" + stringify(key) + "): the session's stored values would come to " + toText(after) +
" bytes; at most " + toText(cell.maxStoreBytes) + " are kept",
);
}
if (key.length + entry.text.length > MAX_TEXT_UNITS) {
throw new RangeErrorOf("store: a key and its value are at most " + toText(MAX_TEXT_UNITS) + " characters of JSON");
}
if (before === undefined && count >= cell.maxStoreKeys) {
throw new RangeErrorOf(
"store(" + stringify(key) + "): the session has " + toText(count) + " stored values already; no more are kept",
);
}
if (cell.ended) return;
keepAndTell(key, entry);
}

function load(key) {
if (typeof key !== "string") throw new TypeErrorOf("load(key): the key is a string");
const entry = mapGet(values, toWellFormed(key));
return entry === undefined ? undefined : parse(entry.text);
}
return { __proto__: null, fillStore, takeStored, store, load };
})();

// callbacks.js
const module_callbacks = (() => {
const { TypeErrorOf, apply } = module_primordials;
const { fail } = module_failure;

async function watch(result) {
try {
await result;
} catch (thrown) {
fail(thrown);
}
}

function runCallback(callback, self, args) {
try {
const result = apply(callback, self, args);
if (typeof result === "object" && result !== null) watch(result);
} catch (thrown) {
fail(thrown);
}
}

async function runLater(callback) {
await undefined;
runCallback(callback, undefined, []);
}

function queueMicrotask(callback) {
if (typeof callback !== "function") throw new TypeErrorOf("queueMicrotask(callback): the callback is a function");
runLater(callback);
}
return { __proto__: null, runCallback, queueMicrotask };
})();

// timers.js
const module_timers = (() => {
const { MapOf, RangeErrorOf, TypeErrorOf, dateNow, floor, list, mapDelete, mapGet, mapSet, mapSize, max, min, toText } = module_primordials;
const { cell } = module_cell;
const { runCallback } = module_callbacks;
const { failForGood } = module_failure;
const { Deferred } = module_inner_promise;
const { ensureStack } = module_ring;

const MAX_DELAY_MS = 2 ** 31 - 1;
const SPARE_CLEARED = 64;

let entryMs = 0; // the host's clock at the last entry
let entryDate = 0;
let latestMs = 0;
let startMs = 0;
let startDate = 0;
let lastId = 0;
let lastSequence = 0;

const timers = new MapOf();
const heap = list();

function setClock(nowMs) {
entryMs = nowMs;
entryDate = dateNow();
}

function now() {
latestMs = max(latestMs, entryMs + max(0, dateNow() - entryDate));
return latestMs;
}

function startClock() {
startMs = now();
startDate = dateNow();
}

const sinceStart = () => now() - startMs;

const timeOrigin = () => startDate;

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

function sink(at, timer) {
const count = heap.length;
for (;;) {
let child = 2 * at + 1;
if (child >= count) break;
if (child + 1 < count && before(heap[child + 1], heap[child])) child += 1;
if (!before(heap[child], timer)) break;
heap[at] = heap[child];
at = child;
}
heap[at] = timer;
}

function popDue() {
const last = heap[heap.length - 1];
heap.length -= 1;
if (heap.length > 0) sink(0, last);
}

const isLive = (timer) => mapGet(timers, timer.id) === timer;

function dropCleared() {
ensureStack(); // all of it, or none
let count = 0;
for (let i = 0; i < heap.length; i++) if (isLive(heap[i])) heap[count++] = heap[i];
heap.length = count;
for (let at = (count >> 1) - 1; at >= 0; at--) sink(at, heap[at]);
}

function firstDue() {
while (heap.length > 0) {
const timer = heap[0];
if (isLive(timer)) return timer;
popDue();
}
return undefined;
}

function schedule(callback, delay, args, repeats) {
const ms = +delay;
const delayMs = ms >= 1 && ms <= MAX_DELAY_MS ? floor(ms) : 1;
if (mapSize(timers) >= cell.maxTimers) {
failForGood("timer_limit", "the script has more than " + toText(cell.maxTimers) + " timers");
}
ensureStack(); // its place in the heap, or none
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
const timer = typeof id === "number" || typeof id === "string" ? mapGet(timers, +id) : undefined;
if (timer === undefined) return;
mapDelete(timers, timer.id);
timer.callback = timer.args = undefined;
if (heap.length > 2 * mapSize(timers) + SPARE_CLEARED) dropCleared();
}

function clearInterval(id) {
clearTimeout(id);
}

async function sleep(ms) {
const delay = +ms;
if (!(delay >= 0)) throw new RangeErrorOf("sleep(ms): a number of milliseconds, at least 0");
const woken = new Deferred();
schedule(woken.resolve, min(delay, MAX_DELAY_MS), list(), false);
await woken.promise;
}

function untilNextTimer() {
const timer = firstDue();
return timer === undefined ? -1 : max(0, min(MAX_DELAY_MS, timer.due - now()));
}

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
runCallback(timer.callback, undefined, timer.args);
}
return { __proto__: null, setClock, now, startClock, sinceStart, timeOrigin, setTimeout, setInterval, clearTimeout, clearInterval, sleep, untilNextTimer, fireDueTimer };
})();

// later.js
const module_later = (() => {
let load;
let made;

function provideLater(loader) {
load = loader;
}

function later() {
made ??= load();
return made;
}
return { __proto__: null, provideLater, later };
})();

// modules.js
const module_modules = (() => {
const { ErrorOf, MapOf, ProxyOf, TO_STRING_TAG, bare, defineProperty, freeze, hasOwn, mapGet, mapSet, objectKeys, ownKeys, toText } = module_primordials;
const { cell } = module_cell;
const { missingToolFunction, toolFunction } = module_calls;
const { codedError } = module_define;
const { later } = module_later;

const HELPER_MODULES = ["codemode", "@openai/code_mode", "openai/code_mode"];

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

const identifiers = new MapOf();

const identifierOf = (call) => mapGet(identifiers, call);

function namespace(exports) {
defineProperty(exports, TO_STRING_TAG, { __proto__: null, value: "Module" });
return freeze(exports);
}

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
mapSet(identifiers, call, identifier);
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

function dynamicImport(namespaces) {
return async (specifier) => {
const name = toText(specifier);
if (hasOwn(namespaces, name)) return namespaces[name];
const near = later().suggestion(later().nearest(name, objectKeys(namespaces)));
const message = 'there is no module "' + name + '"' + (near === "" ? "." : near) + " Modules: " + known(namespaces);
throw codedError(ErrorOf, "module_not_found", message);
};
}

function known(namespaces) {
let text = "";
const names = objectKeys(namespaces);
for (let i = 0; i < names.length && i < 20; i++) text += (i === 0 ? "" : ", ") + names[i];
return text;
}
return { __proto__: null, identifierOf, makeModules, dynamicImport };
})();

// output.js
const module_output = (() => {
const { TypeErrorOf, bare, charCodeAt, hasOwn, isArray, max, objectKeys, parse, slice, stringify, toLowerCase, toText } = module_primordials;
const { cell } = module_cell;
const { failForGood } = module_failure;
const { KIND, MAX_TEXT_UNITS, put, putPair } = module_ring;
const { render } = module_render;

const MAX_BLOCK_DEPTH = 128;

let units = 0;
let items = 0;

function admit(length) {
if (cell.ended) return false;
units += length;
items += 1;
if (units > cell.maxOutputUnits) {
failForGood("output_limit", "the script's output is longer than " + toText(cell.maxOutputUnits) + " characters");
}
if (length > MAX_TEXT_UNITS) {
failForGood("output_limit", "one item is longer than " + toText(MAX_TEXT_UNITS) + " characters");
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

function emitBody(kind, body) {
if (admit(body.length)) putPair(KIND.ITEM, kind, body);
}

const emitItem = (kind, item) => emitBody(kind, stringify(item));

const isRecord = (value) => typeof value === "object" && value !== null && !isArray(value);

function dataUrl(block, kind) {
if (typeof block.data !== "string" || typeof block.mimeType !== "string") {
throw new TypeErrorOf(kind + ": an MCP block has `data` (base64 text) and `mimeType`");
}
return "data:" + block.mimeType + ";base64," + block.data;
}

const startsWithAny = (text, prefixes) => {
for (let i = 0; i < prefixes.length; i++) {
if (toLowerCase(slice(text, 0, prefixes[i].length)) === prefixes[i]) return true;
}
return false;
};

function checkedUrl(value, schemes, rule) {
if (typeof value === "string" && startsWithAny(value, schemes)) return value;
throw new TypeErrorOf(rule);
}

const IMAGE_RULE = "image(value, detail?): an http(s) or data: URL, {image_url, detail}, or an MCP image block";
const IMAGE_SCHEMES = ["http://", "https://", "data:"];
const DETAIL_OF_BLOCK = "codex/imageDetail";

function output_image(value, detail) {
const item = bare();
item.type = "image";
if (isRecord(value) && value.type === "image") {
item.image_url = dataUrl(value, "image");
detail ??= value.detail ?? value._meta?.[DETAIL_OF_BLOCK];
} else if (isRecord(value)) {
item.image_url = checkedUrl(value.image_url, IMAGE_SCHEMES, IMAGE_RULE);
detail ??= value.detail;
} else {
item.image_url = checkedUrl(value, IMAGE_SCHEMES, IMAGE_RULE);
}
if (detail !== undefined && detail !== null) {
if (typeof detail !== "string") throw new TypeErrorOf("image: detail is a string");
item.detail = detail;
}
emitItem("image", item);
}

const AUDIO_RULE = "audio(value): a data: URL, {audio_url}, or an MCP audio block";
const AUDIO_SCHEMES = ["data:"];

function output_audio(value) {
const item = bare();
item.type = "audio";
if (isRecord(value) && value.type === "audio") item.audio_url = dataUrl(value, "audio");
else item.audio_url = checkedUrl(isRecord(value) ? value.audio_url : value, AUDIO_SCHEMES, AUDIO_RULE);
emitItem("audio", item);
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

function nesting(json) {
let depth = 0;
let deepest = 0;
let isEscaped = false;
let isText = false;
for (let i = 0; i < json.length; i++) {
const unit = charCodeAt(json, i);
if (isEscaped) isEscaped = false;
else if (unit === QUOTE) isText = !isText;
else if (isText) isEscaped = unit === BACKSLASH;
else if (unit === OPEN_ARRAY || unit === OPEN_OBJECT) deepest = max(deepest, ++depth);
else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) depth -= 1;
}
return deepest;
}

function blockText(block) {
const text = stringify(block);
const said = text === undefined ? undefined : parse(text);
if (!isRecord(said) || !hasOwn(said, "type") || typeof said.type !== "string") {
throw new TypeErrorOf("content(block): the block's JSON is no MCP content block");
}
if (nesting(text) > MAX_BLOCK_DEPTH) {
throw new TypeErrorOf("content(block): the block is nested deeper than " + toText(MAX_BLOCK_DEPTH) + " levels");
}
return text;
}

function output_content(block) {
if (isArray(block)) {
for (let i = 0; i < block.length; i++) output_content(block[i]);
return;
}
if (!isRecord(block) || typeof block.type !== "string") {
throw new TypeErrorOf("content(block): an MCP content block, or an array of them, not " + (block === null ? "null" : toText(typeof block)));
}
if (block.type === "image" || block.type === "audio") dataUrl(block, block.type);
if (block.type === "text" && typeof block.text === "string" && objectKeys(block).length === 2) output_text(block.text);
else if (block.type === "image" && objectKeys(block).length === 3) output_image(block);
else if (block.type === "audio" && objectKeys(block).length === 3) output_audio(block);
else emitBody("content", '{"type":"content","block":' + blockText(block) + "}");
}
return { __proto__: null, admit, output_text, output_image, output_audio, output_content };
})();

// control.js
const module_control = (() => {
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

function notify(value) {
const text = render(value);
if (admit(text.length)) put(KIND.NOTE, text);
}
return { __proto__: null, yield_control, set_yield_time, set_max_output_tokens_per_exec_call, notify };
})();

// format.js
const module_format = (() => {
const { indexOf, parseDecimal, slice, stringify, toNumber, toText, truncate } = module_primordials;
const { inspect, lostInJson } = module_render;

const shown = (value) => (typeof value === "string" ? value : inspect(value));

function numberText(value, read) {
if (typeof value === "bigint") return inspect(value);
const isOpaque = typeof value === "symbol" || typeof value === "function" || typeof value === "object";
if (isOpaque && value !== null) return "NaN";
return inspect(read(value));
}

const wholeNumber = (value) => truncate(parseDecimal(toText(value)));
const decimalNumber = (value) => parseDecimal(toText(value));

function jsonText(value) {
const lost = lostInJson(value, false);
return lost === undefined ? toText(stringify(value)) : inspect(value);
}

function formatted(letter, value) {
switch (letter) {
case "s":
return shown(value);
case "d":
return numberText(value, toNumber);
case "i":
return numberText(value, wholeNumber);
case "f":
return numberText(value, decimalNumber);
case "j":
return jsonText(value);
case "o":
case "O":
return inspect(value);
case "c":
return "";
default:
return undefined;
}
}

function format(values) {
const first = values[0];
let used = 0;
let text = "";
if (typeof first === "string" && values.length > 1) {
used = 1;
let start = 0;
for (let at = indexOf(first, "%"); at >= 0 && at + 1 < first.length; at = indexOf(first, "%", at)) {
const letter = first[at + 1];
const part = letter === "%" ? "%" : used < values.length ? formatted(letter, values[used]) : undefined;
at += 2;
if (part === undefined) continue;
if (letter !== "%") used += 1;
text += slice(first, start, at - 2) + part;
start = at;
}
text += slice(first, start);
}
for (; used < values.length; used++) text += (used === 0 ? "" : " ") + shown(values[used]);
return text;
}
return { __proto__: null, shown, format };
})();

// console.js
const module_console = (() => {
const { ErrorOf, indexOf, list, slice, toText } = module_primordials;
const { cell } = module_cell;
const { format, shown } = module_format;
const { later } = module_later;
const { KIND, putPair } = module_ring;
const { inspect } = module_render;
const { cut, stackOf } = module_stack;
const { now } = module_timers;

const counts = { __proto__: null };
const started = { __proto__: null };
let indent = "";

function write(level, values) {
if (cell.ended) return;
const text = format(values);
putPair(KIND.LOG, level, cut(indent === "" ? text : indented(text)));
}

function indented(text) {
let all = indent;
let start = 0;
for (let at = indexOf(text, "\n"); at >= 0; at = indexOf(text, "\n", start)) {
all += slice(text, start, at + 1) + indent;
start = at + 1;
}
return all + slice(text, start);
}

const label = (value) => (value === undefined ? "default" : shown(value));

function writePassed(name, values) {
const key = label(name);
const passed = started[key] === undefined ? "no such timer" : toText(now() - started[key]) + " ms";
write("log", [key + ": " + passed + (values.length === 0 ? "" : " " + format(values))]);
}

function trace(...values) {
const error = new ErrorOf();
const stack = stackOf(error);
const title = format(values);
write("debug", [(title === "" ? "Trace" : "Trace: ") + title + slice(stack, indexOf(stack + "\n", "\n"))]);
}

function group(...values) {
if (values.length > 0) write("log", values);
indent += "  ";
}

const scriptConsole = {
log: (...values) => write("log", values),
info: (...values) => write("info", values),
debug: (...values) => write("debug", values),
warn: (...values) => write("warn", values),
error: (...values) => write("error", values),
trace,
dir: (value) => write("log", [inspect(value)]),
dirxml: (...values) => write("log", values),
table: (value, columns) => write("log", [later().tableText(value, columns)]),
assert: (condition, ...values) => {
if (condition) return;
const said = format(values);
const colon = typeof values[0] === "string" ? ": " : " ";
write("error", ["Assertion failed" + (values.length === 0 ? "" : colon + said)]);
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
writePassed(name, values);
},
timeEnd: (name) => {
writePassed(name, list());
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

// globals.js
const module_globals = (() => {
const { apply, defineProperty, freeze, objectKeys } = module_primordials;
const { output_audio, output_content, output_image, output_text } = module_output;
const { notify, set_max_output_tokens_per_exec_call, set_yield_time, yield_control } = module_control;
const { exit } = module_failure;
const { load, store } = module_store;
const { clearInterval, clearTimeout, setInterval, setTimeout, sleep } = module_timers;
const { scriptConsole } = module_console;
const { hiddenValue } = module_define;
const { later } = module_later;
const { queueMicrotask } = module_callbacks;

const ABSENT = ["Atomics", "SharedArrayBuffer", "WebAssembly", "FinalizationRegistry"];

const MADE_LATER = [
"AbortController", "AbortSignal", "DOMException", "Event", "EventTarget", "TextDecoder", "TextEncoder", "URL",
"URLSearchParams", "atob", "btoa", "crypto", "performance", "structuredClone",
];

const laterHelper = (name) => ({ [name]: (...given) => apply(later()[name], undefined, given) })[name];

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
search_tools: laterHelper("search_tools"),
describe_tool: laterHelper("describe_tool"),
as_settled: laterHelper("as_settled"),
};

const install = (name, value) => hiddenValue(globalThis, name, value);

for (const name of ABSENT) delete globalThis[name];
for (const name of objectKeys(helpers)) {
freeze(helpers[name]);
install(name, helpers[name]);
}
freeze(helpers);
install("console", scriptConsole);
install("queueMicrotask", queueMicrotask);

for (const name of MADE_LATER) {
const get = () => {
const made = later()[name];
install(name, made);
return made;
};
const set = (value) => install(name, value);
defineProperty(globalThis, name, { __proto__: null, get, set, enumerable: false, configurable: true });
}

function installTools(modules) {
install("tools", modules.tools);
install("ALL_TOOLS", modules.allTools);
}
return { __proto__: null, helpers, installTools };
})();

// port.js
const module_port = (() => {
const { AsyncFunction, bare, defineProperty, floor, freeze, objectKeys, parse, promiseThen, resolvedPromise, stringify } = module_primordials;
const { cell } = module_cell;
const { ringBuffer } = module_ring;
const { continueIdsAfter, deliver, lastCallId } = module_calls;
const { complete, fail } = module_failure;
const { fillStore, takeStored } = module_store;
const { fireDueTimer, setClock, startClock, untilNextTimer } = module_timers;
const { dynamicImport, makeModules } = module_modules;
const { helpers, installTools } = module_globals;

const FAULTY = -4;
const ENDED = -3;
const STALLED = -2;
const WAITING = -1;

let modules;
let fault = "";

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
cell(text) {
const given = parse(text);
cell.name = given.name;
cell.tools = given.tools;
cell.maxCallsInFlight = given.maxCallsInFlight;
cell.maxCalls = given.maxCalls;
cell.maxStoreBytes = given.maxStoreBytes;
cell.maxStoreKeys = given.maxStoreKeys;
cell.maxArgumentUnits = given.maxArgumentUnits;
cell.maxArgumentUnitsInFlight = given.maxArgumentUnitsInFlight;
cell.maxOutputUnits = given.maxOutputUnits;
cell.maxOutputItems = given.maxOutputItems;
cell.maxTimers = given.maxTimers;
cell.seed = given.seed;
continueIdsAfter(given.lastCall);
fillStore(given.stored, given.storedBytes);
modules = makeModules(helpers);
installTools(modules);
},
place(text) {
const place = parse(text);
cell.prologueUnits = place[0];
cell.lines = place[1];
},
script(wrapper) {
const report = (failed, thrown) => {
if (failed === 1) fail(thrown);
else complete();
};
startClock();
cell.started = true;
promiseThen(resolvedPromise, wrapper(report, modules.namespaces, dynamicImport(modules.namespaces)));
},
answers(text) {
deliver(text);
},
stored(text) {
const entries = parse(text);
for (let i = 0; i < entries.length; i++) takeStored(entries[i][0], entries[i][1]);
},
now(ms) {
setClock(ms);
if (cell.started) fireDueTimer();
},
};

let aloneError = "";

const getters = {
__proto__: null,
ring: () => ringBuffer,
state() {
if (fault !== "") return FAULTY;
if (cell.ended) return ENDED;
const next = untilNextTimer();
if (next >= 0) return floor(next + 0.999);
return cell.openCalls > 0 ? WAITING : STALLED;
},
exports() {
const names = bare();
for (const specifier of objectKeys(modules.namespaces)) names[specifier] = objectKeys(modules.namespaces[specifier]);
return stringify(names);
},
lastCall: lastCallId,
alone: () => aloneError,
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

module_later.provideLater(() => module_primordials.evaluate("(module_primordials, module_cell, module_ring, module_define, module_stack, module_brands, module_render, module_failure, module_inner_promise, module_signals, module_calls, module_utf8, module_store, module_callbacks, module_timers, module_later, module_modules, module_output, module_control, module_format, module_console, module_globals, module_port) => {\n\
\"use strict\";\n\
\n\
// dom_exception.js\n\
const module_dom_exception = (() => {\n\
const { ErrorOf, TypeErrorOf, setPrototypeOf } = module_primordials;\n\
const { asInterface, constants, hiddenValue } = module_define;\n\
const { setTitle, titleOf } = module_stack;\n\
\n\
const CODES = {\n\
INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4, INVALID_CHARACTER_ERR: 5,\n\
NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8, NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10,\n\
INVALID_STATE_ERR: 11, SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15,\n\
VALIDATION_ERR: 16, TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,\n\
QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,\n\
};\n\
const CODE_BY_NAME = {\n\
__proto__: null,\n\
IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,\n\
NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10, InvalidStateError: 11,\n\
SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15, TypeMismatchError: 17,\n\
SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23,\n\
InvalidNodeTypeError: 24, DataCloneError: 25,\n\
};\n\
\n\
function title(error) {\n\
const found = titleOf(error);\n\
if (found === undefined) throw new TypeErrorOf(\"not a DOMException\");\n\
return found;\n\
}\n\
\n\
class DOMException {\n\
constructor(message = \"\", options = \"Error\") {\n\
const error = setPrototypeOf(new ErrorOf(), new.target.prototype);\n\
const isRecord = typeof options === \"object\" && options !== null;\n\
setTitle(error, isRecord ? `${options.name ?? \"Error\"}` : `${options}`, `${message}`);\n\
if (isRecord && \"cause\" in options) hiddenValue(error, \"cause\", options.cause);\n\
return error;\n\
}\n\
\n\
get name() {\n\
return title(this).name;\n\
}\n\
\n\
get message() {\n\
return title(this).message;\n\
}\n\
\n\
get code() {\n\
return CODE_BY_NAME[title(this).name] ?? 0;\n\
}\n\
}\n\
setPrototypeOf(DOMException.prototype, ErrorOf.prototype);\n\
asInterface(DOMException, \"DOMException\");\n\
constants(DOMException, CODES);\n\
\n\
const isDOMException = (value) => titleOf(value) !== undefined;\n\
return { __proto__: null, DOMException, isDOMException };\n\
})();\n\
\n\
// event.js\n\
const module_event = (() => {\n\
const { TypeErrorOf } = module_primordials;\n\
const { asInterface, constants } = module_define;\n\
const { sinceStart } = module_timers;\n\
\n\
const PHASES = { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 };\n\
\n\
class EventState {\n\
type = \"\";\n\
bubbles = false;\n\
cancelable = false;\n\
composed = false;\n\
timeStamp = sinceStart();\n\
isTrusted = false;\n\
target = null;\n\
isDispatched = false;\n\
isCanceled = false;\n\
isStopped = false;\n\
isStoppedAtOnce = false;\n\
isPassive = false;\n\
}\n\
\n\
let readState;\n\
\n\
class Event {\n\
#state = new EventState();\n\
\n\
static {\n\
readState = (event) => (#state in event ? event.#state : undefined);\n\
}\n\
\n\
constructor(type, options = undefined) {\n\
if (arguments.length === 0) throw new TypeErrorOf(\"new Event(type): the type is missing\");\n\
if (typeof options !== \"object\" && options !== undefined) {\n\
throw new TypeErrorOf(\"new Event(type, options): options is an object\");\n\
}\n\
const state = this.#state;\n\
state.type = `${type}`;\n\
state.bubbles = !!options?.bubbles;\n\
state.cancelable = !!options?.cancelable;\n\
state.composed = !!options?.composed;\n\
}\n\
\n\
get type() {\n\
return this.#state.type;\n\
}\n\
\n\
get target() {\n\
return this.#state.target;\n\
}\n\
\n\
get srcElement() {\n\
return this.#state.target;\n\
}\n\
\n\
get currentTarget() {\n\
return this.#state.isDispatched ? this.#state.target : null;\n\
}\n\
\n\
get eventPhase() {\n\
return this.#state.isDispatched ? PHASES.AT_TARGET : PHASES.NONE;\n\
}\n\
\n\
get bubbles() {\n\
return this.#state.bubbles;\n\
}\n\
\n\
get cancelable() {\n\
return this.#state.cancelable;\n\
}\n\
\n\
get composed() {\n\
return this.#state.composed;\n\
}\n\
\n\
get defaultPrevented() {\n\
return this.#state.isCanceled;\n\
}\n\
\n\
get returnValue() {\n\
return !this.#state.isCanceled;\n\
}\n\
\n\
set returnValue(value) {\n\
if (!value) cancel(this.#state);\n\
}\n\
\n\
get cancelBubble() {\n\
return this.#state.isStopped;\n\
}\n\
\n\
set cancelBubble(value) {\n\
if (value) this.#state.isStopped = true;\n\
}\n\
\n\
get timeStamp() {\n\
return this.#state.timeStamp;\n\
}\n\
\n\
get isTrusted() {\n\
return this.#state.isTrusted;\n\
}\n\
\n\
composedPath() {\n\
return this.#state.isDispatched ? [this.#state.target] : [];\n\
}\n\
\n\
preventDefault() {\n\
cancel(this.#state);\n\
}\n\
\n\
stopPropagation() {\n\
this.#state.isStopped = true;\n\
}\n\
\n\
stopImmediatePropagation() {\n\
this.#state.isStopped = this.#state.isStoppedAtOnce = true;\n\
}\n\
\n\
initEvent(type, bubbles = false, cancelable = false) {\n\
const state = this.#state;\n\
if (state.isDispatched) return;\n\
state.type = `${type}`;\n\
state.bubbles = !!bubbles;\n\
state.cancelable = !!cancelable;\n\
}\n\
}\n\
asInterface(Event, \"Event\");\n\
constants(Event, PHASES);\n\
\n\
function cancel(state) {\n\
if (state.cancelable && !state.isPassive) state.isCanceled = true;\n\
}\n\
\n\
const eventState = (value) => (typeof value === \"object\" && value !== null ? readState(value) : undefined);\n\
\n\
function trustedEvent(type) {\n\
const event = new Event(type);\n\
readState(event).isTrusted = true;\n\
return event;\n\
}\n\
return { __proto__: null, Event, eventState, trustedEvent };\n\
})();\n\
\n\
// event_target.js\n\
const module_event_target = (() => {\n\
const { MapOf, TypeErrorOf, apply, list, mapGet, mapSet } = module_primordials;\n\
const { asInterface } = module_define;\n\
const { runCallback } = module_callbacks;\n\
const { DOMException } = module_dom_exception;\n\
const { eventState } = module_event;\n\
\n\
class Listener {\n\
callback;\n\
isCapture;\n\
isOnce;\n\
isPassive;\n\
isRemoved = false;\n\
\n\
constructor(callback, options) {\n\
const isRecord = typeof options === \"object\" && options !== null;\n\
this.callback = callback;\n\
this.isCapture = isRecord ? !!options.capture : !!options;\n\
this.isOnce = isRecord && !!options.once;\n\
this.isPassive = isRecord && !!options.passive;\n\
}\n\
}\n\
\n\
const isSame = (one, other) => one.callback === other.callback && one.isCapture === other.isCapture;\n\
\n\
function isCallable(name, callback) {\n\
if (callback === null || callback === undefined) return false;\n\
if (typeof callback === \"function\" || typeof callback === \"object\") return true;\n\
throw new TypeErrorOf(name + \"(type, listener): the listener is a function, or an object with handleEvent\");\n\
}\n\
\n\
function signalOf(options) {\n\
const signal = typeof options === \"object\" && options !== null ? options.signal : undefined;\n\
if (signal === undefined || (typeof signal === \"object\" && signal !== null && \"aborted\" in signal)) return signal;\n\
throw new TypeErrorOf(\"addEventListener(type, listener, options): options.signal is an AbortSignal\");\n\
}\n\
\n\
function callListener(listener, event, target) {\n\
const callback = listener.callback;\n\
if (typeof callback === \"function\") runCallback(callback, target, [event]);\n\
else runCallback(() => apply(callback.handleEvent, callback, [event]), undefined, []);\n\
}\n\
\n\
let readListeners;\n\
\n\
class EventTarget {\n\
#listeners = new MapOf();\n\
\n\
static {\n\
readListeners = (target) => target.#listeners;\n\
}\n\
\n\
addEventListener(type, callback, options = undefined) {\n\
if (arguments.length < 2) throw new TypeErrorOf(\"addEventListener(type, listener): an argument is missing\");\n\
const listeners = this.#listeners;\n\
const signal = signalOf(options);\n\
const listener = new Listener(callback, options);\n\
if (!isCallable(\"addEventListener\", callback) || signal?.aborted) return;\n\
const name = `${type}`;\n\
const before = mapGet(listeners, name) ?? list();\n\
const after = list();\n\
for (let i = 0; i < before.length; i++) {\n\
if (isSame(before[i], listener)) return;\n\
after[i] = before[i];\n\
}\n\
after[after.length] = listener;\n\
mapSet(listeners, name, after);\n\
if (signal !== undefined) signal.addEventListener(\"abort\", () => remove(listeners, name, listener), { once: true });\n\
}\n\
\n\
removeEventListener(type, callback, options = undefined) {\n\
if (arguments.length < 2) throw new TypeErrorOf(\"removeEventListener(type, listener): an argument is missing\");\n\
const listeners = this.#listeners;\n\
if (isCallable(\"removeEventListener\", callback)) remove(listeners, `${type}`, new Listener(callback, options));\n\
}\n\
\n\
dispatchEvent(event) {\n\
readListeners(this); // throws for what is no target\n\
if (eventState(event) === undefined) throw new TypeErrorOf(\"dispatchEvent(event): the event is an Event\");\n\
return dispatch(this, event);\n\
}\n\
}\n\
asInterface(EventTarget, \"EventTarget\");\n\
\n\
function remove(listeners, name, gone) {\n\
const before = mapGet(listeners, name) ?? list();\n\
const after = list();\n\
for (let i = 0; i < before.length; i++) {\n\
if (isSame(before[i], gone)) before[i].isRemoved = true;\n\
else after[after.length] = before[i];\n\
}\n\
mapSet(listeners, name, after);\n\
}\n\
\n\
function dispatch(target, event) {\n\
const state = eventState(event);\n\
if (state.isDispatched) throw new DOMException(\"The event is already being dispatched\", \"InvalidStateError\");\n\
const listeners = readListeners(target);\n\
const found = mapGet(listeners, state.type) ?? list();\n\
state.isDispatched = true;\n\
state.target = target;\n\
try {\n\
for (let i = 0; i < found.length && !state.isStoppedAtOnce; i++) {\n\
const listener = found[i];\n\
if (listener.isRemoved) continue;\n\
if (listener.isOnce) remove(listeners, state.type, listener);\n\
state.isPassive = listener.isPassive;\n\
callListener(listener, event, target);\n\
}\n\
} finally { // where the stack ends, too\n\
state.isDispatched = state.isStopped = state.isStoppedAtOnce = state.isPassive = false;\n\
}\n\
return !state.isCanceled;\n\
}\n\
return { __proto__: null, EventTarget, dispatch };\n\
})();\n\
\n\
// iteration.js\n\
const module_iteration = (() => {\n\
const { ITERATOR, TypeErrorOf, apply, list } = module_primordials;\n\
\n\
function itemsOf(iterable) {\n\
if (iterable === undefined || iterable === null) return undefined;\n\
const begin = iterable[ITERATOR];\n\
if (typeof begin !== \"function\") return undefined;\n\
const iterator = apply(begin, iterable, []);\n\
const next = iterator.next;\n\
const items = list();\n\
for (;;) {\n\
const step = apply(next, iterator, []);\n\
if (typeof step !== \"object\" || step === null) throw new TypeErrorOf(\"an iterator's next() gives an object\");\n\
if (step.done) return items;\n\
items[items.length] = step.value;\n\
}\n\
}\n\
return { __proto__: null, itemsOf };\n\
})();\n\
\n\
// abort.js\n\
const module_abort = (() => {\n\
const { RangeErrorOf, TypeErrorOf, isFiniteNumber, list, min, setAdd, setForEach, toText } = module_primordials;\n\
const { asInterface } = module_define;\n\
const { runCallback } = module_callbacks;\n\
const { DOMException } = module_dom_exception;\n\
const { trustedEvent } = module_event;\n\
const { EventTarget, dispatch } = module_event_target;\n\
const { itemsOf } = module_iteration;\n\
const { ensureStack } = module_ring;\n\
const { makeSignal, signalState } = module_signals;\n\
const { setTimeout } = module_timers;\n\
\n\
const MAX_MS = 2 ** 32 - 1;\n\
const LONGEST_TIMER_MS = 2 ** 31 - 1;\n\
\n\
const KEY = {};\n\
\n\
const isSignal = (value) => signalState(value) !== undefined;\n\
\n\
function ownState(signal) {\n\
if (!isSignal(signal)) throw new TypeErrorOf(\"not an AbortSignal\");\n\
return signalState(signal);\n\
}\n\
\n\
class AbortSignal extends EventTarget {\n\
constructor(key = undefined) {\n\
if (key !== KEY) throw new TypeErrorOf(\"Illegal constructor\");\n\
super();\n\
makeSignal(this);\n\
}\n\
\n\
static abort(reason = abortError()) {\n\
const signal = new AbortSignal(KEY);\n\
const state = signalState(signal);\n\
state.isAborted = true;\n\
state.reason = reason;\n\
return signal;\n\
}\n\
\n\
static timeout(ms) {\n\
if (typeof ms !== \"number\") throw new TypeErrorOf(\"AbortSignal.timeout(ms): a number of milliseconds\");\n\
if (!isFiniteNumber(ms) || ms < 0 || ms > MAX_MS) {\n\
throw new RangeErrorOf(\"AbortSignal.timeout(ms): from 0 to 4294967295 milliseconds\");\n\
}\n\
const signal = new AbortSignal(KEY);\n\
const expire = () => abort(signal, new DOMException(\"The operation was aborted due to timeout\", \"TimeoutError\"));\n\
setTimeout(expire, min(ms, LONGEST_TIMER_MS));\n\
return signal;\n\
}\n\
\n\
static any(signals) {\n\
const sources = itemsOf(signals);\n\
if (sources === undefined) throw new TypeErrorOf(\"AbortSignal.any(signals): an iterable of AbortSignals\");\n\
for (let i = 0; i < sources.length; i++) {\n\
if (isSignal(sources[i])) continue;\n\
throw new TypeErrorOf(\"AbortSignal.any(signals): signals[\" + toText(i) + \"] is no AbortSignal\");\n\
}\n\
const signal = new AbortSignal(KEY);\n\
for (let i = 0; i < sources.length; i++) {\n\
const state = signalState(sources[i]);\n\
if (!state.isAborted) continue;\n\
signalState(signal).isAborted = true;\n\
signalState(signal).reason = state.reason;\n\
return signal;\n\
}\n\
for (let i = 0; i < sources.length; i++) depend(signal, sources[i]);\n\
return signal;\n\
}\n\
\n\
get aborted() {\n\
return ownState(this).isAborted;\n\
}\n\
\n\
get reason() {\n\
return ownState(this).reason;\n\
}\n\
\n\
throwIfAborted() {\n\
if (ownState(this).isAborted) throw ownState(this).reason;\n\
}\n\
\n\
get onabort() {\n\
return ownState(this).onabort;\n\
}\n\
\n\
set onabort(handler) {\n\
const state = ownState(this);\n\
state.onabort = typeof handler === \"function\" || (typeof handler === \"object\" && handler !== null) ? handler : null;\n\
if (state.hasHandler || state.onabort === null) return;\n\
state.hasHandler = true; // it keeps the place among the listeners where it first stood\n\
this.addEventListener(\"abort\", (event) => {\n\
if (typeof state.onabort === \"function\") runCallback(state.onabort, this, [event]);\n\
});\n\
}\n\
}\n\
asInterface(AbortSignal, \"AbortSignal\");\n\
\n\
const abortError = () => new DOMException(\"This operation was aborted\", \"AbortError\");\n\
\n\
function depend(signal, source) {\n\
const state = signalState(signal);\n\
const direct = signalState(source);\n\
const origins = direct.sources.length > 0 ? direct.sources : [source];\n\
for (let i = 0; i < origins.length; i++) {\n\
state.sources[state.sources.length] = origins[i];\n\
setAdd(signalState(origins[i]).dependents, signal);\n\
}\n\
}\n\
\n\
function abort(signal, reason) {\n\
if (signalState(signal).isAborted) return;\n\
ensureStack();\n\
const together = list();\n\
together[0] = signal;\n\
setForEach(signalState(signal).dependents, (dependent) => {\n\
if (!signalState(dependent).isAborted) together[together.length] = dependent;\n\
});\n\
for (let i = 0; i < together.length; i++) {\n\
const state = signalState(together[i]);\n\
state.isAborted = true;\n\
state.reason = reason;\n\
}\n\
for (let i = 0; i < together.length; i++) setForEach(signalState(together[i]).algorithms, (algorithm) => algorithm());\n\
for (let i = 0; i < together.length; i++) dispatch(together[i], trustedEvent(\"abort\"));\n\
}\n\
\n\
class AbortController {\n\
#signal = new AbortSignal(KEY);\n\
\n\
get signal() {\n\
return this.#signal;\n\
}\n\
\n\
abort(reason = abortError()) {\n\
abort(this.#signal, reason);\n\
}\n\
}\n\
asInterface(AbortController, \"AbortController\");\n\
return { __proto__: null, AbortSignal, AbortController };\n\
})();\n\
\n\
// bytes.js\n\
const module_bytes = (() => {\n\
const { Bytes, arrayBufferLength, dataViewBuffer, dataViewByteLength, dataViewByteOffset, typedArrayBuffer, typedArrayByteLength, typedArrayByteOffset } = module_primordials;\n\
const { isBuffer, isDataView, isTypedArray } = module_brands;\n\
\n\
function bytesOf(value) {\n\
if (typeof value !== \"object\" || value === null) return undefined;\n\
if (isTypedArray(value)) {\n\
return new Bytes(typedArrayBuffer(value), typedArrayByteOffset(value), typedArrayByteLength(value));\n\
}\n\
if (isDataView(value)) return new Bytes(dataViewBuffer(value), dataViewByteOffset(value), dataViewByteLength(value));\n\
if (isBuffer(value)) return new Bytes(value, 0, arrayBufferLength(value));\n\
return undefined;\n\
}\n\
return { __proto__: null, bytesOf };\n\
})();\n\
\n\
// text_builder.js\n\
const module_text_builder = (() => {\n\
const { Units, apply, fromCharCode, min } = module_primordials;\n\
\n\
const CHUNK_UNITS = 4096;\n\
\n\
class TextBuilder {\n\
#text = \"\";\n\
#units;\n\
#room;\n\
#count = 0;\n\
\n\
constructor(expected) {\n\
this.#room = min(CHUNK_UNITS, expected + 1);\n\
this.#units = new Units(this.#room);\n\
}\n\
\n\
add(unit) {\n\
if (this.#count === this.#room) this.#flush(this.#units);\n\
this.#units[this.#count++] = unit;\n\
}\n\
\n\
addPoint(point) {\n\
if (point > 0xffff) {\n\
this.add(0xd7c0 + (point >> 10));\n\
this.add(0xdc00 | (point & 0x3ff));\n\
} else {\n\
this.add(point);\n\
}\n\
}\n\
\n\
#flush(units) {\n\
this.#text += apply(fromCharCode, undefined, units);\n\
this.#count = 0;\n\
}\n\
\n\
finish() {\n\
const count = this.#count;\n\
const rest = new Units(count);\n\
for (let i = 0; i < count; i++) rest[i] = this.#units[i];\n\
this.#flush(rest);\n\
return this.#text;\n\
}\n\
}\n\
return { __proto__: null, TextBuilder };\n\
})();\n\
\n\
// text_decoder.js\n\
const module_text_decoder = (() => {\n\
const { Bytes, RangeErrorOf, TypeErrorOf, charCodeAt, slice, toLowerCase, typedArrayLength } = module_primordials;\n\
const { asInterface, codedError } = module_define;\n\
const { bytesOf } = module_bytes;\n\
const { TextBuilder } = module_text_builder;\n\
\n\
const REPLACEMENT = 0xfffd;\n\
const BYTE_ORDER_MARK = 0xfeff;\n\
const WINDOWS_1252 =\n\
\"\\u20ac\\x81\\u201a\\u0192\\u201e\\u2026\\u2020\\u2021\\u02c6\\u2030\\u0160\\u2039\\u0152\\x8d\\u017d\\x8f\" +\n\
\"\\x90\\u2018\\u2019\\u201c\\u201d\\u2022\\u2013\\u2014\\u02dc\\u2122\\u0161\\u203a\\u0153\\x9d\\u017e\\u0178\";\n\
\n\
\n\
class Utf8 {\n\
static encoding = \"utf-8\";\n\
#point = 0;\n\
#needed = 0;\n\
#least = 0x80;\n\
#most = 0xbf;\n\
\n\
decode(bytes, add, bad) {\n\
const length = typedArrayLength(bytes);\n\
for (let i = 0; i < length; i++) {\n\
const byte = bytes[i];\n\
if (this.#needed === 0) {\n\
if (byte < 0x80) add(byte);\n\
else if (byte >= 0xc2 && byte <= 0xf4) this.#lead(byte);\n\
else bad();\n\
} else if (byte < this.#least || byte > this.#most) {\n\
this.#reset();\n\
bad();\n\
i -= 1; // it may begin a character\n\
} else {\n\
this.#least = 0x80;\n\
this.#most = 0xbf;\n\
this.#point = (this.#point << 6) | (byte & 0x3f);\n\
this.#needed -= 1;\n\
if (this.#needed === 0) add(this.#point);\n\
}\n\
}\n\
}\n\
\n\
#lead(byte) {\n\
this.#needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;\n\
this.#point = byte & (0x3f >> this.#needed);\n\
this.#least = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;\n\
this.#most = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;\n\
}\n\
\n\
#reset() {\n\
this.#needed = 0;\n\
this.#least = 0x80;\n\
this.#most = 0xbf;\n\
}\n\
\n\
end(bad) {\n\
if (this.#needed > 0) bad();\n\
}\n\
}\n\
\n\
class Utf16 {\n\
static encoding = \"utf-16le\";\n\
#low = -1;\n\
#high = -1;\n\
\n\
decode(bytes, add, bad) {\n\
const length = typedArrayLength(bytes);\n\
for (let i = 0; i < length; i++) {\n\
if (this.#low < 0) {\n\
this.#low = bytes[i];\n\
continue;\n\
}\n\
const unit = this.#low | (bytes[i] << 8);\n\
this.#low = -1;\n\
const isTrail = unit >= 0xdc00 && unit <= 0xdfff;\n\
if (this.#high >= 0) {\n\
const high = this.#high;\n\
this.#high = -1;\n\
if (isTrail) {\n\
add(0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));\n\
continue;\n\
}\n\
bad();\n\
}\n\
if (isTrail) bad();\n\
else if (unit >= 0xd800 && unit <= 0xdbff) this.#high = unit;\n\
else add(unit);\n\
}\n\
}\n\
\n\
end(bad) {\n\
if (this.#low >= 0 || this.#high >= 0) bad();\n\
}\n\
}\n\
\n\
class Windows1252 {\n\
static encoding = \"windows-1252\";\n\
\n\
decode(bytes, add) {\n\
const length = typedArrayLength(bytes);\n\
for (let i = 0; i < length; i++) {\n\
const byte = bytes[i];\n\
add(byte >= 0x80 && byte < 0xa0 ? charCodeAt(WINDOWS_1252, byte - 0x80) : byte);\n\
}\n\
}\n\
\n\
end() {}\n\
}\n\
\n\
const DECODERS = { __proto__: null };\n\
for (const [Decoder, labels] of [\n\
[Utf8, \"unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8\"],\n\
[Utf16, \"csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le\"],\n\
[\n\
Windows1252,\n\
\"ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 \" +\n\
\"iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252\",\n\
],\n\
]) {\n\
for (const label of labels.split(\" \")) DECODERS[label] = Decoder;\n\
}\n\
\n\
const isSpace = (unit) => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09 || unit === 0x0c;\n\
\n\
function trimmed(text) {\n\
let start = 0;\n\
let end = text.length;\n\
while (start < end && isSpace(charCodeAt(text, start))) start += 1;\n\
while (end > start && isSpace(charCodeAt(text, end - 1))) end -= 1;\n\
return slice(text, start, end);\n\
}\n\
\n\
class TextDecoder {\n\
#Decoder;\n\
#fatal;\n\
#ignoreBOM;\n\
#decoder = undefined;\n\
#isAtStart = true;\n\
\n\
constructor(label = \"utf-8\", options = undefined) {\n\
const Decoder = DECODERS[toLowerCase(trimmed(`${label}`))];\n\
if (Decoder === undefined) {\n\
const rule = \"TextDecoder knows utf-8, utf-16le and windows-1252 (latin1, ascii), not \";\n\
throw codedError(RangeErrorOf, \"ERR_ENCODING_NOT_SUPPORTED\", rule + slice(`${label}`, 0, 100));\n\
}\n\
if (typeof options !== \"object\" && options !== undefined) {\n\
throw new TypeErrorOf(\"new TextDecoder(label, options): options is an object\");\n\
}\n\
this.#Decoder = Decoder;\n\
this.#fatal = !!options?.fatal;\n\
this.#ignoreBOM = !!options?.ignoreBOM;\n\
}\n\
\n\
get encoding() {\n\
return this.#Decoder.encoding;\n\
}\n\
\n\
get fatal() {\n\
return this.#fatal;\n\
}\n\
\n\
get ignoreBOM() {\n\
return this.#ignoreBOM;\n\
}\n\
\n\
decode(input = undefined, options = undefined) {\n\
const Decoder = this.#Decoder;\n\
const bytes = input === undefined ? new Bytes(0) : bytesOf(input);\n\
if (bytes === undefined) throw new TypeErrorOf(\"decode(input): an ArrayBuffer, a typed array or a DataView\");\n\
if (this.#decoder === undefined) this.#isAtStart = true;\n\
const decoder = this.#decoder ?? new Decoder();\n\
const streams = !!options?.stream;\n\
this.#decoder = streams ? decoder : undefined;\n\
const builder = new TextBuilder(typedArrayLength(bytes));\n\
const keepsMark = this.#ignoreBOM || Decoder === Windows1252;\n\
const add = (point) => {\n\
const isMark = this.#isAtStart && point === BYTE_ORDER_MARK && !keepsMark;\n\
this.#isAtStart = false;\n\
if (!isMark) builder.addPoint(point);\n\
};\n\
const bad = () => {\n\
if (this.#fatal) {\n\
const message = \"The encoded data was not valid for encoding \" + Decoder.encoding;\n\
throw codedError(TypeErrorOf, \"ERR_ENCODING_INVALID_ENCODED_DATA\", message);\n\
}\n\
add(REPLACEMENT);\n\
};\n\
decoder.decode(bytes, add, bad);\n\
if (!streams) decoder.end(bad);\n\
return builder.finish();\n\
}\n\
}\n\
asInterface(TextDecoder, \"TextDecoder\");\n\
return { __proto__: null, TextDecoder };\n\
})();\n\
\n\
// text_encoder.js\n\
const module_text_encoder = (() => {\n\
const { TypeErrorOf, toWellFormed, typedArrayByteLength, typedArrayTag } = module_primordials;\n\
const { asInterface } = module_define;\n\
const { utf8Bytes, utf8Into } = module_utf8;\n\
\n\
class TextEncoder {\n\
#encoding = \"utf-8\";\n\
\n\
get encoding() {\n\
return this.#encoding;\n\
}\n\
\n\
encode(input = \"\") {\n\
this.#encoding; // throws for what is no TextEncoder\n\
return utf8Bytes(toWellFormed(`${input}`));\n\
}\n\
\n\
encodeInto(source, destination) {\n\
this.#encoding;\n\
if (typeof source !== \"string\") throw new TypeErrorOf(\"encodeInto(source, destination): the source is a string\");\n\
if (typedArrayTag(destination) !== \"Uint8Array\") {\n\
throw new TypeErrorOf(\"encodeInto(source, destination): the destination is a Uint8Array\");\n\
}\n\
return utf8Into(toWellFormed(source), destination, typedArrayByteLength(destination));\n\
}\n\
}\n\
asInterface(TextEncoder, \"TextEncoder\");\n\
return { __proto__: null, TextEncoder };\n\
})();\n\
\n\
// percent.js\n\
const module_percent = (() => {\n\
const encodeSet = (others) => new RegExp(`[\\\\0-\\\\x1f\\\\x7f-\\\\u{10ffff}${others}]`, \"gu\");\n\
\n\
const CONTROLS = encodeSet(\"\");\n\
const FRAGMENT = encodeSet(\" \\\"<>`\");\n\
const QUERY = encodeSet(\" \\\"#<>\");\n\
const SPECIAL_QUERY = encodeSet(\" \\\"#<>'\");\n\
const PATH = encodeSet(\" \\\"#<>?^`{}\");\n\
const USERINFO = encodeSet(\" \\\"#<>?^`{}/:;=@[\\\\\\\\\\\\]|\");\n\
const FORM = /[^\\w*.-]/gu;\n\
\n\
function encoded(character) {\n\
const escape = encodeURIComponent(character);\n\
return escape === character ? \"%\" + character.charCodeAt(0).toString(16).toUpperCase() : escape;\n\
}\n\
\n\
function percentEncode(text, set) {\n\
return text.replace(set, encoded);\n\
}\n\
\n\
const SEQUENCE = new RegExp(\n\
\"%[0-7].|%(?:c[2-9a-f]|d.)(?:%[89ab].)?|%e(?!0%[89]|d%[ab]).(?:%[89ab].){0,2}\"\n\
+ \"|%f(?!0%8|4%[9ab])[0-4](?:%[89ab].){0,3}|%..\",\n\
\"gi\",\n\
);\n\
\n\
function decodedSequence(escape) {\n\
try {\n\
return decodeURIComponent(escape);\n\
} catch {\n\
return \"\\ufffd\";\n\
}\n\
}\n\
\n\
function percentDecode(text) {\n\
return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => run.replace(SEQUENCE, decodedSequence));\n\
}\n\
return { __proto__: null, CONTROLS, FRAGMENT, QUERY, SPECIAL_QUERY, PATH, USERINFO, FORM, percentEncode, percentDecode };\n\
})();\n\
\n\
// url_arguments.js\n\
const module_url_arguments = (() => {\n\
const { codedError } = module_define;\n\
\n\
const textOf = (value) => `${value}`.toWellFormed();\n\
\n\
function requireArguments(given, ...names) {\n\
if (given >= names.length) return;\n\
const listed = names.map((name) => `\"${name}\"`).join(\" and \");\n\
const noun = names.length === 1 ? \"argument\" : \"arguments\";\n\
throw codedError(TypeError, \"ERR_MISSING_ARGS\", `The ${listed} ${noun} must be specified`);\n\
}\n\
return { __proto__: null, textOf, requireArguments };\n\
})();\n\
\n\
// search_params.js\n\
const module_search_params = (() => {\n\
const { asInterface, codedError, hiddenValue } = module_define;\n\
const { FORM, percentDecode, percentEncode } = module_percent;\n\
const { requireArguments, textOf } = module_url_arguments;\n\
\n\
const decoded = (text) => percentDecode(text.replaceAll(\"+\", \" \"));\n\
const encoded = (text) => percentEncode(text, FORM).replaceAll(\"%20\", \"+\");\n\
\n\
function pairsOfQuery(query) {\n\
return query.split(\"&\").filter((part) => part !== \"\").map((part) => {\n\
const at = part.indexOf(\"=\");\n\
return at < 0 ? [decoded(part), \"\"] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];\n\
});\n\
}\n\
\n\
const queryOfPairs = (pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join(\"&\");\n\
\n\
const isObject = (value) => (typeof value === \"object\" && value !== null) || typeof value === \"function\";\n\
\n\
function pairOf(value) {\n\
const pair = isObject(value) && typeof value[Symbol.iterator] === \"function\" ? [...value] : [];\n\
if (pair.length !== 2) {\n\
throw codedError(TypeError, \"ERR_INVALID_TUPLE\", \"Each query pair must be an iterable [name, value] tuple\");\n\
}\n\
return pair.map(textOf);\n\
}\n\
\n\
function pairsOfRecord(record) {\n\
const pairs = new Map();\n\
for (const key of Reflect.ownKeys(record)) {\n\
if (Reflect.getOwnPropertyDescriptor(record, key)?.enumerable) pairs.set(textOf(key), textOf(record[key]));\n\
}\n\
return [...pairs];\n\
}\n\
\n\
function pairsOf(init) {\n\
if (!isObject(init)) return pairsOfQuery(textOf(init).replace(/^\\?/, \"\"));\n\
const iterate = init[Symbol.iterator];\n\
if (iterate === undefined || iterate === null) return pairsOfRecord(init);\n\
if (typeof iterate !== \"function\") {\n\
throw codedError(TypeError, \"ERR_ARG_NOT_ITERABLE\", \"Query pairs must be iterable\");\n\
}\n\
return Array.from(init, pairOf);\n\
}\n\
\n\
class PairIterator {\n\
#pairs;\n\
#view;\n\
#index = 0;\n\
\n\
constructor(pairs, view) {\n\
this.#pairs = pairs;\n\
this.#view = view;\n\
}\n\
\n\
next() {\n\
const pairs = this.#pairs();\n\
if (this.#index >= pairs.length) return { value: undefined, done: true };\n\
return { value: this.#view(pairs[this.#index++]), done: false };\n\
}\n\
}\n\
\n\
delete PairIterator.prototype.constructor;\n\
Object.setPrototypeOf(PairIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));\n\
asInterface(PairIterator, \"URLSearchParams Iterator\");\n\
\n\
let inside;\n\
\n\
class URLSearchParams {\n\
#pairs;\n\
#changed = null;\n\
\n\
static {\n\
inside = {\n\
follow: (params, changed) => (params.#changed = changed),\n\
reload: (params, query) => (params.#pairs = pairsOfQuery(query)),\n\
};\n\
}\n\
\n\
constructor(init = undefined) {\n\
this.#pairs = init === undefined ? [] : pairsOf(init);\n\
}\n\
\n\
get size() {\n\
return this.#pairs.length;\n\
}\n\
\n\
append(name, value) {\n\
requireArguments(arguments.length, \"name\", \"value\");\n\
const pair = [textOf(name), textOf(value)];\n\
this.#pairs.push(pair);\n\
this.#tell();\n\
}\n\
\n\
delete(name, value = undefined) {\n\
requireArguments(arguments.length, \"name\");\n\
const matches = matcher(name, value);\n\
this.#pairs = this.#pairs.filter((pair) => !matches(pair));\n\
this.#tell();\n\
}\n\
\n\
get(name) {\n\
requireArguments(arguments.length, \"name\");\n\
const matches = matcher(name);\n\
return this.#pairs.find(matches)?.[1] ?? null;\n\
}\n\
\n\
getAll(name) {\n\
requireArguments(arguments.length, \"name\");\n\
const matches = matcher(name);\n\
return this.#pairs.filter(matches).map((pair) => pair[1]);\n\
}\n\
\n\
has(name, value = undefined) {\n\
requireArguments(arguments.length, \"name\");\n\
const matches = matcher(name, value);\n\
return this.#pairs.some(matches);\n\
}\n\
\n\
set(name, value) {\n\
requireArguments(arguments.length, \"name\", \"value\");\n\
const matches = matcher(name);\n\
const pair = [textOf(name), textOf(value)];\n\
const at = this.#pairs.findIndex(matches);\n\
if (at < 0) {\n\
this.#pairs.push(pair);\n\
} else {\n\
this.#pairs[at] = pair;\n\
this.#pairs = this.#pairs.filter((other) => other === pair || !matches(other));\n\
}\n\
this.#tell();\n\
}\n\
\n\
sort() {\n\
this.#pairs.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));\n\
this.#tell();\n\
}\n\
\n\
entries() {\n\
return this.#iterate((pair) => [...pair]);\n\
}\n\
\n\
forEach(callback, self = undefined) {\n\
if (typeof callback !== \"function\") {\n\
throw codedError(TypeError, \"ERR_INVALID_ARG_TYPE\", 'The \"callback\" argument must be of type function');\n\
}\n\
for (const [name, value] of this.#iterate((pair) => pair)) callback.call(self, value, name, this);\n\
}\n\
\n\
keys() {\n\
return this.#iterate((pair) => pair[0]);\n\
}\n\
\n\
values() {\n\
return this.#iterate((pair) => pair[1]);\n\
}\n\
\n\
toString() {\n\
return queryOfPairs(this.#pairs);\n\
}\n\
\n\
#tell() {\n\
this.#changed?.(queryOfPairs(this.#pairs));\n\
}\n\
\n\
#iterate(view) {\n\
return new PairIterator(() => this.#pairs, view);\n\
}\n\
}\n\
\n\
function matcher(name, value = undefined) {\n\
const wantedName = textOf(name);\n\
const wantedValue = value === undefined ? undefined : textOf(value);\n\
return (pair) => pair[0] === wantedName && (wantedValue === undefined || pair[1] === wantedValue);\n\
}\n\
\n\
asInterface(URLSearchParams, \"URLSearchParams\");\n\
hiddenValue(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);\n\
\n\
function paramsOfQuery(query, changed) {\n\
const params = new URLSearchParams();\n\
inside.reload(params, query);\n\
inside.follow(params, changed);\n\
return params;\n\
}\n\
\n\
function reloadParams(params, query) {\n\
inside.reload(params, query);\n\
}\n\
return { __proto__: null, URLSearchParams, paramsOfQuery, reloadParams };\n\
})();\n\
\n\
// url_record.js\n\
const module_url_record = (() => {\n\
const DEFAULT_PORTS = { __proto__: null, ftp: 21, file: null, http: 80, https: 443, ws: 80, wss: 443 };\n\
\n\
class Refusal {\n\
constructor(message = \"Invalid URL\") {\n\
this.message = message;\n\
}\n\
}\n\
\n\
class UnsupportedHost extends Refusal {}\n\
\n\
const isSpecial = (url) => url.scheme in DEFAULT_PORTS;\n\
const hasOpaquePath = (url) => typeof url.path === \"string\";\n\
const hasCredentials = (url) => url.username !== \"\" || url.password !== \"\";\n\
const canHaveCredentials = (url) => url.host !== null && url.host !== \"\" && url.scheme !== \"file\";\n\
\n\
function hostText(url) {\n\
if (url.host === null) return \"\";\n\
return url.port === null ? url.host : `${url.host}:${url.port}`;\n\
}\n\
\n\
function pathText(url) {\n\
return hasOpaquePath(url) ? url.path : url.path.map((segment) => \"/\" + segment).join(\"\");\n\
}\n\
\n\
function credentialsText(url) {\n\
if (!hasCredentials(url)) return \"\";\n\
return url.password === \"\" ? `${url.username}@` : `${url.username}:${url.password}@`;\n\
}\n\
\n\
function authorityText(url) {\n\
if (url.host !== null) return \"//\" + credentialsText(url) + hostText(url);\n\
return !hasOpaquePath(url) && url.path.length > 1 && url.path[0] === \"\" ? \"/.\" : \"\";\n\
}\n\
\n\
function urlText(url) {\n\
const query = url.query === null ? \"\" : \"?\" + url.query;\n\
const fragment = url.fragment === null ? \"\" : \"#\" + url.fragment;\n\
return url.scheme + \":\" + authorityText(url) + pathText(url) + query + fragment;\n\
}\n\
return { __proto__: null, DEFAULT_PORTS, Refusal, UnsupportedHost, isSpecial, hasOpaquePath, hasCredentials, canHaveCredentials, hostText, pathText, urlText };\n\
})();\n\
\n\
// host.js\n\
const module_host = (() => {\n\
const { CONTROLS, percentDecode, percentEncode } = module_percent;\n\
const { Refusal, UnsupportedHost } = module_url_record;\n\
\n\
const FORBIDDEN = /[\\0\\t\\n\\r #/:<>?@[\\\\\\]^|]/;\n\
const FORBIDDEN_IN_DOMAIN = /[\\0-\\x20#%/:<>?@[\\\\\\]^|\\x7f]/;\n\
const DECIMAL_BYTE = /^(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])$/;\n\
const ENDS_IN_NUMBER = /(?:^|\\.)(?:\\d+|0x[\\da-f]*)\\.?$/;\n\
\n\
function ipv4Number(text) {\n\
if (/^0x[\\da-f]*$/.test(text)) return text === \"0x\" ? 0 : parseInt(text, 16);\n\
if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);\n\
return /^[1-9]\\d*$/.test(text) ? Number(text) : NaN;\n\
}\n\
\n\
function ipv4Text(domain) {\n\
const bytes = domain.replace(/\\.$/, \"\").split(\".\").map(ipv4Number);\n\
const last = bytes.pop();\n\
const isAddress = bytes.length <= 3 && bytes.every((byte) => byte <= 255) && last < 256 ** (4 - bytes.length);\n\
if (!isAddress) throw new Refusal();\n\
for (let exponent = 3 - bytes.length; exponent >= 0; exponent--) bytes.push(Math.floor(last / 256 ** exponent) % 256);\n\
return bytes.join(\".\");\n\
}\n\
\n\
function embeddedIpv4(text) {\n\
const texts = text.split(\".\");\n\
if (texts.length !== 4 || !texts.every((byte) => DECIMAL_BYTE.test(byte))) throw new Refusal();\n\
const [a, b, c, d] = texts.map(Number);\n\
return [a * 256 + b, c * 256 + d];\n\
}\n\
\n\
function ipv6Pieces(text, isEnd) {\n\
if (text === \"\") return [];\n\
const texts = text.split(\":\");\n\
return texts.flatMap((piece, index) => {\n\
if (isEnd && index === texts.length - 1 && piece.includes(\".\")) return embeddedIpv4(piece);\n\
if (!/^[\\da-f]{1,4}$/i.test(piece)) throw new Refusal();\n\
return parseInt(piece, 16);\n\
});\n\
}\n\
\n\
function parseIpv6(text) {\n\
const sides = text.split(\"::\");\n\
const pieces = sides.map((side, index) => ipv6Pieces(side, index === sides.length - 1));\n\
if (sides.length === 1 && pieces[0].length === 8) return pieces[0];\n\
const missing = sides.length === 2 ? 8 - pieces[0].length - pieces[1].length : 0;\n\
if (missing < 1) throw new Refusal();\n\
return [...pieces[0], ...Array(missing).fill(0), ...pieces[1]];\n\
}\n\
\n\
function longestZeros(pieces) {\n\
let longest = { start: pieces.length, length: 1 };\n\
for (let start = 0, end; start < pieces.length; start = end + 1) {\n\
for (end = start; pieces[end] === 0; end++);\n\
if (end - start > longest.length) longest = { start, length: end - start };\n\
}\n\
return longest;\n\
}\n\
\n\
function ipv6Text(pieces) {\n\
const zeros = longestZeros(pieces);\n\
const hex = (from, to) => pieces.slice(from, to).map((piece) => piece.toString(16)).join(\":\");\n\
if (zeros.length === 1) return hex();\n\
return hex(0, zeros.start) + \"::\" + hex(zeros.start + zeros.length);\n\
}\n\
\n\
function parseDomain(text) {\n\
const domain = percentDecode(text);\n\
if (/[^\\0-\\x7f]/.test(domain)) {\n\
throw new UnsupportedHost(\"Invalid URL: non-ASCII host names are not supported; write the punycode form (xn--\\u2026)\");\n\
}\n\
if (domain === \"\" || FORBIDDEN_IN_DOMAIN.test(domain)) throw new Refusal();\n\
const lower = domain.toLowerCase();\n\
return ENDS_IN_NUMBER.test(lower) ? ipv4Text(lower) : lower;\n\
}\n\
\n\
function parseHost(text, special) {\n\
if (text.startsWith(\"[\")) {\n\
if (!text.endsWith(\"]\")) throw new Refusal();\n\
return \"[\" + ipv6Text(parseIpv6(text.slice(1, -1))) + \"]\";\n\
}\n\
if (special) return parseDomain(text);\n\
if (FORBIDDEN.test(text)) throw new Refusal();\n\
return percentEncode(text, CONTROLS);\n\
}\n\
return { __proto__: null, parseHost };\n\
})();\n\
\n\
// url_parser.js\n\
const module_url_parser = (() => {\n\
const { parseHost } = module_host;\n\
const { CONTROLS, FRAGMENT, PATH, QUERY, SPECIAL_QUERY, USERINFO, percentEncode } = module_percent;\n\
const { DEFAULT_PORTS, Refusal, hasOpaquePath, isSpecial } = module_url_record;\n\
\n\
const SCHEME = /^[a-z][a-z\\d+.-]*(?=:)/i;\n\
const SINGLE_DOT = /^(?:\\.|%2e)$/i;\n\
const DOUBLE_DOT = /^(?:\\.|%2e){2}$/i;\n\
const DRIVE_LETTER = /^[a-z][:|]$/i;\n\
const NORMALIZED_DRIVE_LETTER = /^[a-z]:$/i;\n\
const STARTS_WITH_DRIVE_LETTER = /^[a-z][:|](?:$|[/\\\\])/i;\n\
const HOST = /^(?:[^[:]+|\\[[^\\]]*\\]?)*/;\n\
\n\
function cut(text, delimiter) {\n\
const at = text.indexOf(delimiter);\n\
return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];\n\
}\n\
\n\
function cutBefore(text, pattern) {\n\
const at = text.search(pattern);\n\
return at < 0 ? [text, \"\"] : [text.slice(0, at), text.slice(at)];\n\
}\n\
\n\
const withoutTabs = (text) => text.replace(/[\\t\\n\\r]/g, \"\");\n\
\n\
function trimmed(text) {\n\
let start = 0;\n\
let end = text.length;\n\
while (start < end && text.charCodeAt(start) <= 0x20) start++;\n\
while (start < end && text.charCodeAt(end - 1) <= 0x20) end--;\n\
return text.slice(start, end);\n\
}\n\
\n\
const slashOf = (url) => (isSpecial(url) ? /[/\\\\]/ : /\\//);\n\
const startsWithSlash = (url, text) => text.startsWith(\"/\") || (isSpecial(url) && text.startsWith(\"\\\\\"));\n\
const startsWithTwoSlashes = (url, text) => startsWithSlash(url, text) && startsWithSlash(url, text.slice(1));\n\
\n\
function shortenPath(url) {\n\
const atDrive = url.scheme === \"file\" && url.path.length === 1 && NORMALIZED_DRIVE_LETTER.test(url.path[0]);\n\
if (!atDrive) url.path.pop();\n\
}\n\
\n\
function appendPath(url, text) {\n\
const segments = text.split(slashOf(url));\n\
segments.forEach((segment, index) => {\n\
const isLast = index === segments.length - 1;\n\
if (DOUBLE_DOT.test(segment)) {\n\
shortenPath(url);\n\
if (isLast) url.path.push(\"\");\n\
} else if (SINGLE_DOT.test(segment)) {\n\
if (isLast) url.path.push(\"\");\n\
} else if (url.scheme === \"file\" && url.path.length === 0 && DRIVE_LETTER.test(segment)) {\n\
url.path.push(segment[0] + \":\");\n\
} else {\n\
url.path.push(percentEncode(segment, PATH));\n\
}\n\
});\n\
}\n\
\n\
function readAbsolutePath(url, text) {\n\
url.path = [];\n\
if (text !== \"\" || isSpecial(url)) appendPath(url, startsWithSlash(url, text) ? text.slice(1) : text);\n\
}\n\
\n\
function readQuery(url, text) {\n\
url.query = percentEncode(text, isSpecial(url) ? SPECIAL_QUERY : QUERY);\n\
}\n\
\n\
function readFragment(url, text) {\n\
url.fragment = percentEncode(text, FRAGMENT);\n\
}\n\
\n\
function splitHost(text) {\n\
const host = HOST.exec(text)[0];\n\
return [host, host === text ? null : text.slice(host.length + 1)];\n\
}\n\
\n\
function parsePort(url, text) {\n\
const port = Number(text);\n\
if (!/^\\d*$/.test(text) || port > 65535) throw new Refusal();\n\
return text === \"\" || port === DEFAULT_PORTS[url.scheme] ? null : port;\n\
}\n\
\n\
function parseFileHost(text) {\n\
const host = text === \"\" ? \"\" : parseHost(text, true);\n\
return host === \"localhost\" ? \"\" : host;\n\
}\n\
\n\
function readCredentials(url, text) {\n\
const [username, password] = cut(text, \":\");\n\
url.username = percentEncode(username, USERINFO);\n\
url.password = percentEncode(password ?? \"\", USERINFO);\n\
}\n\
\n\
function readAuthority(url, text) {\n\
const [authority, path] = cutBefore(isSpecial(url) ? text.replace(/^[/\\\\]+/, \"\") : text, slashOf(url));\n\
const at = authority.lastIndexOf(\"@\");\n\
if (at >= 0) readCredentials(url, authority.slice(0, at));\n\
const [host, port] = splitHost(authority.slice(at + 1));\n\
if (host === \"\" && (at >= 0 || port !== null || isSpecial(url))) throw new Refusal();\n\
url.host = parseHost(host, isSpecial(url));\n\
if (port !== null) url.port = parsePort(url, port);\n\
readAbsolutePath(url, path);\n\
}\n\
\n\
function readRelativePath(url, text, base) {\n\
url.path = [...base.path];\n\
if (text === \"\") {\n\
url.query = base.query;\n\
} else {\n\
shortenPath(url);\n\
appendPath(url, text);\n\
}\n\
}\n\
\n\
function readRelative(url, text, base) {\n\
if (startsWithTwoSlashes(url, text)) {\n\
readAuthority(url, text.slice(2));\n\
return;\n\
}\n\
const { username, password, host, port } = base;\n\
Object.assign(url, { username, password, host, port });\n\
if (startsWithSlash(url, text)) readAbsolutePath(url, text);\n\
else readRelativePath(url, text, base);\n\
}\n\
\n\
function readFileAuthority(url, text) {\n\
const [host, path] = cutBefore(text, slashOf(url));\n\
if (DRIVE_LETTER.test(host)) {\n\
appendPath(url, text);\n\
} else {\n\
url.host = parseFileHost(host);\n\
readAbsolutePath(url, path);\n\
}\n\
}\n\
\n\
function readFile(url, text, base) {\n\
url.host = \"\";\n\
if (startsWithTwoSlashes(url, text)) {\n\
readFileAuthority(url, text.slice(2));\n\
return;\n\
}\n\
const isAbsolute = startsWithSlash(url, text);\n\
const path = isAbsolute ? text.slice(1) : text;\n\
const namesDrive = STARTS_WITH_DRIVE_LETTER.test(path);\n\
if (base !== null) url.host = base.host;\n\
if (base === null || namesDrive) {\n\
appendPath(url, path);\n\
} else if (isAbsolute) {\n\
if (NORMALIZED_DRIVE_LETTER.test(base.path[0])) url.path = [base.path[0]];\n\
appendPath(url, path);\n\
} else {\n\
readRelativePath(url, path, base);\n\
}\n\
}\n\
\n\
function readUnknown(url, text) {\n\
if (text.startsWith(\"//\")) readAuthority(url, text.slice(2));\n\
else if (text.startsWith(\"/\")) readAbsolutePath(url, text);\n\
else url.path = percentEncode(text, CONTROLS).replace(/ $/, \"%20\");\n\
}\n\
\n\
function readAfterScheme(url, text, base) {\n\
const ownBase = base?.scheme === url.scheme ? base : null;\n\
if (!isSpecial(url)) readUnknown(url, text);\n\
else if (url.scheme === \"file\") readFile(url, text, ownBase);\n\
else if (ownBase === null) readAuthority(url, text);\n\
else readRelative(url, text, ownBase);\n\
}\n\
\n\
function readWithoutScheme(url, text, base, isFragment) {\n\
if (!hasOpaquePath(base)) {\n\
if (url.scheme === \"file\") readFile(url, text, base);\n\
else readRelative(url, text, base);\n\
} else if (isFragment) {\n\
url.path = base.path;\n\
url.query = base.query;\n\
} else {\n\
throw new Refusal();\n\
}\n\
}\n\
\n\
function parseUrl(input, base) {\n\
const [beforeFragment, fragment] = cut(withoutTabs(trimmed(input)), \"#\");\n\
const [text, query] = cut(beforeFragment, \"?\");\n\
const scheme = SCHEME.exec(text)?.[0];\n\
if (scheme === undefined && base === null) throw new Refusal();\n\
const url = {\n\
scheme: scheme === undefined ? base.scheme : scheme.toLowerCase(),\n\
username: \"\", password: \"\", host: null, port: null, path: [], query: null, fragment: null,\n\
};\n\
if (scheme === undefined) readWithoutScheme(url, text, base, beforeFragment === \"\" && fragment !== null);\n\
else readAfterScheme(url, text.slice(scheme.length + 1), base);\n\
if (query !== null) readQuery(url, query);\n\
if (fragment !== null) readFragment(url, fragment);\n\
return url;\n\
}\n\
return { __proto__: null, withoutTabs, readAbsolutePath, readQuery, readFragment, splitHost, parsePort, parseFileHost, parseUrl };\n\
})();\n\
\n\
// url_setters.js\n\
const module_url_setters = (() => {\n\
const { parseHost } = module_host;\n\
const { USERINFO, percentEncode } = module_percent;\n\
const { parseFileHost, parsePort, readAbsolutePath, readFragment, readQuery, splitHost, withoutTabs } = module_url_parser;\n\
const { DEFAULT_PORTS, Refusal, UnsupportedHost, canHaveCredentials, hasCredentials, hasOpaquePath, isSpecial } = module_url_record;\n\
\n\
function unlessRefused(change) {\n\
try {\n\
change();\n\
} catch (thrown) {\n\
if (!(thrown instanceof Refusal) || thrown instanceof UnsupportedHost) throw thrown;\n\
}\n\
}\n\
\n\
function setProtocol(url, value) {\n\
const scheme = /^([a-z][a-z\\d+.-]*)(?:$|:)/i.exec(withoutTabs(value))?.[1].toLowerCase();\n\
if (scheme === undefined || (scheme in DEFAULT_PORTS) !== isSpecial(url)) return;\n\
if (scheme === \"file\" && (hasCredentials(url) || url.port !== null)) return;\n\
if (url.scheme === \"file\" && url.host === \"\") return;\n\
url.scheme = scheme;\n\
if (url.port === DEFAULT_PORTS[scheme]) url.port = null;\n\
}\n\
\n\
function setUsername(url, value) {\n\
if (canHaveCredentials(url)) url.username = percentEncode(value, USERINFO);\n\
}\n\
\n\
function setPassword(url, value) {\n\
if (canHaveCredentials(url)) url.password = percentEncode(value, USERINFO);\n\
}\n\
\n\
function changePort(url, text) {\n\
const digits = /^\\d+/.exec(text)?.[0];\n\
if (digits !== undefined) url.port = parsePort(url, digits);\n\
}\n\
\n\
function changeHost(url, text, takesPort) {\n\
const [host, port] = splitHost(text);\n\
const mayBeEmpty = !isSpecial(url) && !hasCredentials(url) && url.port === null && port === null;\n\
if ((host === \"\" && !mayBeEmpty) || (port !== null && !takesPort)) return;\n\
url.host = parseHost(host, isSpecial(url));\n\
if (port !== null) changePort(url, port);\n\
}\n\
\n\
function setHost(url, value, takesPort) {\n\
if (hasOpaquePath(url)) return;\n\
const text = withoutTabs(value).split(isSpecial(url) ? /[/\\\\?#]/ : /[/?#]/, 1)[0];\n\
unlessRefused(() => {\n\
if (url.scheme === \"file\") url.host = parseFileHost(text);\n\
else changeHost(url, text, takesPort);\n\
});\n\
}\n\
\n\
function setPort(url, value) {\n\
if (!canHaveCredentials(url)) return;\n\
if (value === \"\") url.port = null;\n\
else unlessRefused(() => changePort(url, withoutTabs(value)));\n\
}\n\
\n\
function setPath(url, value) {\n\
if (hasOpaquePath(url)) return;\n\
readAbsolutePath(url, withoutTabs(value));\n\
if (url.path.length === 0 && url.host === null) url.path.push(\"\");\n\
}\n\
\n\
function setQuery(url, value) {\n\
if (value === \"\") url.query = null;\n\
else readQuery(url, withoutTabs(value.replace(/^\\?/, \"\")));\n\
}\n\
\n\
function setFragment(url, value) {\n\
if (value === \"\") url.fragment = null;\n\
else readFragment(url, withoutTabs(value.replace(/^#/, \"\")));\n\
}\n\
return { __proto__: null, setProtocol, setUsername, setPassword, setHost, setPort, setPath, setQuery, setFragment };\n\
})();\n\
\n\
// url.js\n\
const module_url = (() => {\n\
const { asInterface, codedError } = module_define;\n\
const { paramsOfQuery, reloadParams } = module_search_params;\n\
const { requireArguments, textOf } = module_url_arguments;\n\
const { parseUrl } = module_url_parser;\n\
const { Refusal, hostText, isSpecial, pathText, urlText } = module_url_record;\n\
const { setFragment, setHost, setPassword, setPath, setPort, setProtocol, setQuery, setUsername } = module_url_setters;\n\
\n\
const recordOf = (text, base) => parseUrl(text, base === undefined ? null : parseUrl(base, null));\n\
const textOrNone = (value) => (value === undefined ? undefined : textOf(value));\n\
\n\
function orElse(read, refused) {\n\
try {\n\
return read();\n\
} catch (thrown) {\n\
if (thrown instanceof Refusal) return refused(thrown);\n\
throw thrown;\n\
}\n\
}\n\
\n\
const recordOrNull = (text, base) => orElse(() => recordOf(text, base), () => null);\n\
\n\
function orThrow(read, input, base = undefined) {\n\
return orElse(read, (refusal) => {\n\
const error = codedError(TypeError, \"ERR_INVALID_URL\", refusal.message);\n\
throw Object.assign(error, base === undefined ? { input } : { input, base });\n\
});\n\
}\n\
\n\
function originOf(url) {\n\
if (url.scheme === \"blob\") {\n\
const inner = recordOrNull(pathText(url));\n\
return inner?.scheme === \"http\" || inner?.scheme === \"https\" ? originOf(inner) : \"null\";\n\
}\n\
return isSpecial(url) && url.scheme !== \"file\" ? `${url.scheme}://${hostText(url)}` : \"null\";\n\
}\n\
\n\
const prefixed = (prefix, text) => (text === null || text === \"\" ? \"\" : prefix + text);\n\
\n\
class URL {\n\
#url;\n\
#params = null;\n\
\n\
constructor(url, base = undefined) {\n\
requireArguments(arguments.length, \"url\");\n\
const input = textOf(url);\n\
const baseText = textOrNone(base);\n\
this.#url = orThrow(() => recordOf(input, baseText), input, baseText);\n\
}\n\
\n\
static canParse(url, base = undefined) {\n\
requireArguments(arguments.length, \"url\");\n\
return recordOrNull(textOf(url), textOrNone(base)) !== null;\n\
}\n\
\n\
static parse(url, base = undefined) {\n\
requireArguments(arguments.length, \"url\");\n\
const record = recordOrNull(textOf(url), textOrNone(base));\n\
return record === null ? null : new URL(urlText(record));\n\
}\n\
\n\
get href() {\n\
return urlText(this.#url);\n\
}\n\
\n\
set href(value) {\n\
const input = textOf(value);\n\
this.#url = orThrow(() => recordOf(input), input);\n\
this.#reloadParams();\n\
}\n\
\n\
get origin() {\n\
return originOf(this.#url);\n\
}\n\
\n\
get protocol() {\n\
return this.#url.scheme + \":\";\n\
}\n\
\n\
set protocol(value) {\n\
setProtocol(this.#url, textOf(value));\n\
}\n\
\n\
get username() {\n\
return this.#url.username;\n\
}\n\
\n\
set username(value) {\n\
setUsername(this.#url, textOf(value));\n\
}\n\
\n\
get password() {\n\
return this.#url.password;\n\
}\n\
\n\
set password(value) {\n\
setPassword(this.#url, textOf(value));\n\
}\n\
\n\
get host() {\n\
return hostText(this.#url);\n\
}\n\
\n\
set host(value) {\n\
const text = textOf(value);\n\
orThrow(() => setHost(this.#url, text, true), text);\n\
}\n\
\n\
get hostname() {\n\
return this.#url.host ?? \"\";\n\
}\n\
\n\
set hostname(value) {\n\
const text = textOf(value);\n\
orThrow(() => setHost(this.#url, text, false), text);\n\
}\n\
\n\
get port() {\n\
return String(this.#url.port ?? \"\");\n\
}\n\
\n\
set port(value) {\n\
setPort(this.#url, textOf(value));\n\
}\n\
\n\
get pathname() {\n\
return pathText(this.#url);\n\
}\n\
\n\
set pathname(value) {\n\
setPath(this.#url, textOf(value));\n\
}\n\
\n\
get search() {\n\
return prefixed(\"?\", this.#url.query);\n\
}\n\
\n\
set search(value) {\n\
setQuery(this.#url, textOf(value));\n\
this.#reloadParams();\n\
}\n\
\n\
get searchParams() {\n\
this.#params ??= paramsOfQuery(this.#url.query ?? \"\", (query) => {\n\
this.#url.query = query === \"\" ? null : query;\n\
});\n\
return this.#params;\n\
}\n\
\n\
get hash() {\n\
return prefixed(\"#\", this.#url.fragment);\n\
}\n\
\n\
set hash(value) {\n\
setFragment(this.#url, textOf(value));\n\
}\n\
\n\
toString() {\n\
return urlText(this.#url);\n\
}\n\
\n\
toJSON() {\n\
return urlText(this.#url);\n\
}\n\
\n\
#reloadParams() {\n\
if (this.#params !== null) reloadParams(this.#params, this.#url.query ?? \"\");\n\
}\n\
}\n\
\n\
asInterface(URL, \"URL\");\n\
return { __proto__: null, URL };\n\
})();\n\
\n\
// as_settled.js\n\
const module_as_settled = (() => {\n\
const { TypeErrorOf, list } = module_primordials;\n\
const { Deferred } = module_inner_promise;\n\
const { itemsOf } = module_iteration;\n\
\n\
class Outcomes {\n\
ready = list();\n\
taken = 0;\n\
arrival = undefined;\n\
\n\
add(outcome) {\n\
this.ready[this.ready.length] = outcome;\n\
const arrival = this.arrival;\n\
this.arrival = undefined;\n\
if (arrival !== undefined) arrival.resolve();\n\
}\n\
\n\
async watch(index, item) {\n\
try {\n\
const value = await item;\n\
this.add({ index, status: \"fulfilled\", value });\n\
} catch (reason) {\n\
this.add({ index, status: \"rejected\", reason });\n\
}\n\
}\n\
\n\
async *take(count) {\n\
for (; this.taken < count; this.taken++) {\n\
if (this.taken === this.ready.length) {\n\
this.arrival = new Deferred();\n\
await this.arrival.promise;\n\
}\n\
const outcome = this.ready[this.taken];\n\
this.ready[this.taken] = undefined;\n\
yield outcome;\n\
}\n\
}\n\
}\n\
\n\
function as_settled(iterable) {\n\
const items = itemsOf(iterable);\n\
if (items === undefined) throw new TypeErrorOf(\"as_settled(iterable): an iterable of promises\");\n\
const outcomes = new Outcomes();\n\
for (let i = 0; i < items.length; i++) outcomes.watch(i, items[i]);\n\
return outcomes.take(items.length);\n\
}\n\
return { __proto__: null, as_settled };\n\
})();\n\
\n\
// base64.js\n\
const module_base64 = (() => {\n\
const { TypeErrorOf, charCodeAt, list } = module_primordials;\n\
const { DOMException } = module_dom_exception;\n\
const { TextBuilder } = module_text_builder;\n\
\n\
const ALPHABET = \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\";\n\
const PADDING = 0x3d;\n\
const SPACE = -2;\n\
const SEXTETS = list();\n\
for (let unit = 0; unit < 128; unit++) SEXTETS[unit] = ALPHABET.indexOf(String.fromCharCode(unit));\n\
for (const unit of [0x09, 0x0a, 0x0c, 0x0d, 0x20]) SEXTETS[unit] = SPACE;\n\
\n\
const invalid = (message) => new DOMException(message, \"InvalidCharacterError\");\n\
\n\
function btoa(data) {\n\
if (arguments.length === 0) throw new TypeErrorOf(\"btoa(data): the data is missing\");\n\
const text = `${data}`;\n\
const builder = new TextBuilder(text.length * 2);\n\
const byteAt = (index) => {\n\
const unit = index < text.length ? charCodeAt(text, index) : 0;\n\
if (unit > 0xff) throw invalid(\"btoa(data): a character beyond U+00FF\");\n\
return unit;\n\
};\n\
const add = (sextet) => builder.add(charCodeAt(ALPHABET, sextet));\n\
for (let i = 0; i < text.length; i += 3) {\n\
const bits = (byteAt(i) << 16) | (byteAt(i + 1) << 8) | byteAt(i + 2);\n\
const left = text.length - i;\n\
add(bits >> 18);\n\
add((bits >> 12) & 0x3f);\n\
if (left > 1) add((bits >> 6) & 0x3f);\n\
else builder.add(PADDING);\n\
if (left > 2) add(bits & 0x3f);\n\
else builder.add(PADDING);\n\
}\n\
return builder.finish();\n\
}\n\
\n\
function atob(data) {\n\
if (arguments.length === 0) throw new TypeErrorOf(\"atob(data): the data is missing\");\n\
const text = `${data}`;\n\
const builder = new TextBuilder(text.length);\n\
let bits = 0;\n\
let sextets = 0;\n\
let padding = 0;\n\
for (let i = 0; i < text.length; i++) {\n\
const unit = charCodeAt(text, i);\n\
const sextet = unit < 128 ? SEXTETS[unit] : -1;\n\
if (sextet === SPACE) continue;\n\
if (unit === PADDING) {\n\
padding += 1;\n\
continue;\n\
}\n\
if (sextet < 0 || padding > 0) throw invalid(\"atob(data): a character that is not of base64\");\n\
bits = (bits << 6) | sextet;\n\
sextets += 1;\n\
if (sextets % 4 !== 0) continue;\n\
builder.add((bits >> 16) & 0xff);\n\
builder.add((bits >> 8) & 0xff);\n\
builder.add(bits & 0xff);\n\
bits = 0;\n\
}\n\
const left = sextets % 4;\n\
if (left === 1 || padding > 2 || (padding > 0 && left + padding !== 4)) throw invalid(\"atob(data): not correctly padded\");\n\
if (left === 2) builder.add((bits >> 4) & 0xff);\n\
if (left === 3) {\n\
builder.add((bits >> 10) & 0xff);\n\
builder.add((bits >> 2) & 0xff);\n\
}\n\
return builder.finish();\n\
}\n\
return { __proto__: null, btoa, atob };\n\
})();\n\
\n\
// random.js\n\
const module_random = (() => {\n\
const { Bytes, Words, charCodeAt, typedArrayLength } = module_primordials;\n\
const { cell } = module_cell;\n\
\n\
const KEY_BYTES = 32;\n\
const DOUBLE_ROUNDS = 10;\n\
const BLOCK_BYTES = 64;\n\
\n\
const state = new Words(16);\n\
state[0] = 0x61707865;\n\
state[1] = 0x3320646e;\n\
state[2] = 0x79622d32;\n\
state[3] = 0x6b206574;\n\
const COUNTER = 12;\n\
\n\
const mixed = new Words(16);\n\
const block = new Bytes(BLOCK_BYTES);\n\
let used = BLOCK_BYTES;\n\
\n\
const hexDigit = (unit) => (unit < 0x3a ? unit - 0x30 : unit - 0x57);\n\
\n\
for (let byte = 0; byte < KEY_BYTES; byte++) {\n\
const value = (hexDigit(charCodeAt(cell.seed, 2 * byte)) << 4) | hexDigit(charCodeAt(cell.seed, 2 * byte + 1));\n\
state[4 + (byte >> 2)] |= value << (8 * (byte & 3));\n\
}\n\
\n\
function mix(a, b, value, by) {\n\
mixed[a] += mixed[b];\n\
const turned = mixed[value] ^ mixed[a];\n\
mixed[value] = (turned << by) | (turned >>> (32 - by));\n\
}\n\
\n\
function quarterRound(a, b, c, d) {\n\
mix(a, b, d, 16);\n\
mix(c, d, b, 12);\n\
mix(a, b, d, 8);\n\
mix(c, d, b, 7);\n\
}\n\
\n\
function nextBlock() {\n\
for (let i = 0; i < 16; i++) mixed[i] = state[i];\n\
for (let round = 0; round < DOUBLE_ROUNDS; round++) {\n\
quarterRound(0, 4, 8, 12);\n\
quarterRound(1, 5, 9, 13);\n\
quarterRound(2, 6, 10, 14);\n\
quarterRound(3, 7, 11, 15);\n\
quarterRound(0, 5, 10, 15);\n\
quarterRound(1, 6, 11, 12);\n\
quarterRound(2, 7, 8, 13);\n\
quarterRound(3, 4, 9, 14);\n\
}\n\
for (let i = 0; i < 16; i++) {\n\
const word = mixed[i] + state[i];\n\
for (let byte = 0; byte < 4; byte++) block[i * 4 + byte] = word >>> (8 * byte);\n\
}\n\
state[COUNTER] += 1;\n\
if (state[COUNTER] === 0) state[COUNTER + 1] += 1;\n\
used = 0;\n\
}\n\
\n\
function fillRandom(bytes) {\n\
const length = typedArrayLength(bytes);\n\
for (let i = 0; i < length; i++) {\n\
if (used === BLOCK_BYTES) nextBlock();\n\
bytes[i] = block[used++];\n\
}\n\
}\n\
return { __proto__: null, fillRandom };\n\
})();\n\
\n\
// crypto.js\n\
const module_crypto = (() => {\n\
const { Bytes, TypeErrorOf, charCodeAt, typedArrayByteLength, typedArrayTag } = module_primordials;\n\
const { asInterface } = module_define;\n\
const { bytesOf } = module_bytes;\n\
const { DOMException } = module_dom_exception;\n\
const { fillRandom } = module_random;\n\
const { TextBuilder } = module_text_builder;\n\
\n\
const MAX_BYTES = 65_536;\n\
const INTEGERS = {\n\
__proto__: null, Int8Array: true, Uint8Array: true, Uint8ClampedArray: true, Int16Array: true, Uint16Array: true,\n\
Int32Array: true, Uint32Array: true, BigInt64Array: true, BigUint64Array: true,\n\
};\n\
const HEX = \"0123456789abcdef\";\n\
const HYPHEN = 0x2d;\n\
\n\
const KEY = {};\n\
\n\
class Crypto {\n\
#isCrypto = true;\n\
\n\
constructor(key = undefined) {\n\
if (key !== KEY) throw new TypeErrorOf(\"Illegal constructor\");\n\
}\n\
\n\
getRandomValues(array) {\n\
this.#isCrypto; // throws for what is no Crypto\n\
if (INTEGERS[typedArrayTag(array)] !== true) {\n\
throw new DOMException(\"getRandomValues(array): a typed array of integers\", \"TypeMismatchError\");\n\
}\n\
if (typedArrayByteLength(array) > MAX_BYTES) {\n\
throw new DOMException(\"getRandomValues(array): at most 65,536 bytes\", \"QuotaExceededError\");\n\
}\n\
fillRandom(bytesOf(array));\n\
return array;\n\
}\n\
\n\
randomUUID() {\n\
this.#isCrypto;\n\
const bytes = new Bytes(16);\n\
fillRandom(bytes);\n\
bytes[6] = (bytes[6] & 0x0f) | 0x40;\n\
bytes[8] = (bytes[8] & 0x3f) | 0x80;\n\
const builder = new TextBuilder(36);\n\
for (let i = 0; i < 16; i++) {\n\
if (i === 4 || i === 6 || i === 8 || i === 10) builder.add(HYPHEN);\n\
builder.add(charCodeAt(HEX, bytes[i] >> 4));\n\
builder.add(charCodeAt(HEX, bytes[i] & 0x0f));\n\
}\n\
return builder.finish();\n\
}\n\
}\n\
asInterface(Crypto, \"Crypto\");\n\
\n\
const crypto = new Crypto(KEY);\n\
return { __proto__: null, crypto };\n\
})();\n\
\n\
// nearest.js\n\
const module_nearest = (() => {\n\
const { charCodeAt, floor, list, max, min, toLowerCase } = module_primordials;\n\
\n\
const MAX_NAME_UNITS = 64;\n\
const MAX_NAMES = 3;\n\
\n\
function distance(one, other, most) {\n\
if (max(one.length, other.length) - min(one.length, other.length) > most) return most + 1;\n\
let before = list();\n\
let last = list();\n\
for (let j = 0; j <= other.length; j++) last[j] = j;\n\
for (let i = 1; i <= one.length; i++) {\n\
const row = list();\n\
row[0] = i;\n\
let least = i;\n\
for (let j = 1; j <= other.length; j++) {\n\
const isSame = charCodeAt(one, i - 1) === charCodeAt(other, j - 1);\n\
row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));\n\
const isSwap =\n\
i > 1 && j > 1 && charCodeAt(one, i - 1) === charCodeAt(other, j - 2) &&\n\
charCodeAt(one, i - 2) === charCodeAt(other, j - 1);\n\
if (isSwap) row[j] = min(row[j], before[j - 2] + 1);\n\
least = min(least, row[j]);\n\
}\n\
if (least > most) return most + 1;\n\
before = last;\n\
last = row;\n\
}\n\
return last[other.length];\n\
}\n\
\n\
const tolerance = (length) => max(1, min(5, floor(length / 3)));\n\
\n\
function nearest(name, names) {\n\
const found = list();\n\
if (name.length > MAX_NAME_UNITS) return found;\n\
const wanted = toLowerCase(name);\n\
const most = tolerance(name.length);\n\
const distances = list();\n\
for (let i = 0; i < names.length; i++) distances[i] = distance(wanted, toLowerCase(names[i]), most);\n\
for (let far = 0; far <= most; far++) {\n\
for (let i = 0; i < names.length && found.length < MAX_NAMES; i++) {\n\
if (distances[i] === far) found[found.length] = names[i];\n\
}\n\
}\n\
return found;\n\
}\n\
\n\
function suggestion(names) {\n\
let text = \"\";\n\
for (let i = 0; i < names.length; i++) text += (i === 0 ? \"; did you mean \" : \" or \") + '\"' + names[i] + '\"';\n\
return text === \"\" ? \"\" : text + \"?\";\n\
}\n\
return { __proto__: null, distance, tolerance, nearest, suggestion };\n\
})();\n\
\n\
// search.js\n\
const module_search = (() => {\n\
const { TypeErrorOf, charCodeAt, freeze, indexOf, list, slice, startsWith, toLowerCase } = module_primordials;\n\
const { cell } = module_cell;\n\
const { refusal } = module_calls;\n\
const { ownValue } = module_define;\n\
const { identifierOf } = module_modules;\n\
const { distance, nearest, suggestion, tolerance } = module_nearest;\n\
\n\
const MAX_FOUND = 20;\n\
const MAX_QUERY_UNITS = 1000;\n\
const MAX_NAME_UNITS = 256;\n\
\n\
const WORTH = { __proto__: null, name: 10_000, part: 1000, prefix: 300, within: 100, word: 30, wordPrefix: 10, near: 3 };\n\
\n\
const isUpper = (unit) => unit >= 0x41 && unit <= 0x5a;\n\
const isLower = (unit) => unit >= 0x61 && unit <= 0x7a;\n\
const isDigit = (unit) => unit >= 0x30 && unit <= 0x39;\n\
\n\
function wordsOf(text) {\n\
const words = list();\n\
let start = 0;\n\
for (let i = 0; i <= text.length; i++) {\n\
const unit = i < text.length ? charCodeAt(text, i) : 0x20;\n\
const isLetter = isUpper(unit) || isLower(unit) || isDigit(unit) || unit > 0x7f;\n\
const isHump = isLetter && i > start && isUpper(unit) && isLower(charCodeAt(text, i - 1));\n\
if (isLetter && !isHump) continue;\n\
if (i > start) words[words.length] = toLowerCase(slice(text, start, i));\n\
start = isHump ? i : i + 1;\n\
}\n\
return words;\n\
}\n\
\n\
function firstLine(text) {\n\
const at = indexOf(text, \"\\n\");\n\
return at < 0 ? text : slice(text, 0, at);\n\
}\n\
\n\
class Entry {\n\
name;\n\
shortName;\n\
parts;\n\
words;\n\
found;\n\
\n\
constructor(tool) {\n\
this.name = toLowerCase(tool[0]);\n\
this.shortName = toLowerCase(tool[2]);\n\
this.parts = wordsOf(tool[0]);\n\
this.words = wordsOf(tool[3]);\n\
this.found = freeze({ name: tool[0], module: tool[1], description: firstLine(tool[3]) });\n\
}\n\
}\n\
\n\
let entries;\n\
\n\
function allEntries() {\n\
if (entries !== undefined) return entries;\n\
const all = list();\n\
for (let i = 0; i < cell.tools.length; i++) all[i] = new Entry(cell.tools[i]);\n\
entries = all; // whole, also where the stack ends\n\
return entries;\n\
}\n\
\n\
function worthOf(word, entry) {\n\
let worth = indexOf(entry.name, word) >= 0 ? WORTH.within : 0;\n\
for (let i = 0; i < entry.parts.length; i++) {\n\
if (entry.parts[i] === word) return WORTH.part;\n\
if (startsWith(entry.parts[i], word)) worth = WORTH.prefix;\n\
}\n\
if (worth > 0) return worth;\n\
for (let i = 0; i < entry.words.length; i++) {\n\
if (entry.words[i] === word) return WORTH.word;\n\
if (startsWith(entry.words[i], word)) worth = WORTH.wordPrefix;\n\
}\n\
if (worth > 0 || word.length < 3) return worth;\n\
const most = tolerance(word.length);\n\
for (let i = 0; i < entry.parts.length; i++) if (distance(word, entry.parts[i], most) <= most) return WORTH.near;\n\
return distance(word, entry.name, most) <= most ? WORTH.near : 0;\n\
}\n\
\n\
function score(query, words, entry) {\n\
let total = entry.name === query || entry.shortName === query ? WORTH.name : 0;\n\
for (let i = 0; i < words.length; i++) total += worthOf(words[i], entry);\n\
return total;\n\
}\n\
\n\
function place(best, scores, index) {\n\
let at = best.length < MAX_FOUND ? best.length : MAX_FOUND - 1;\n\
if (best.length === MAX_FOUND && scores[best[at]] >= scores[index]) return;\n\
for (; at > 0 && scores[best[at - 1]] < scores[index]; at--) best[at] = best[at - 1];\n\
best[at] = index;\n\
}\n\
\n\
function search_tools(query = \"\") {\n\
if (typeof query !== \"string\") throw new TypeErrorOf(\"search_tools(query): the query is a string\");\n\
const all = allEntries();\n\
const wanted = slice(query, 0, MAX_QUERY_UNITS);\n\
const words = wordsOf(wanted);\n\
const best = list();\n\
const scores = list();\n\
for (let i = 0; i < all.length; i++) {\n\
scores[i] = words.length === 0 ? 1 : score(toLowerCase(wanted), words, all[i]);\n\
if (scores[i] > 0) place(best, scores, i);\n\
}\n\
const found = [];\n\
for (let i = 0; i < best.length; i++) ownValue(found, i, all[best[i]].found);\n\
return freeze(found);\n\
}\n\
\n\
function textOf(tool) {\n\
const declaration = tool[5] ?? \"\";\n\
if (declaration !== \"\") return declaration;\n\
return tool[3] === \"\" ? tool[0] : tool[0] + \": \" + tool[3];\n\
}\n\
\n\
function describe_tool(tool) {\n\
const named = typeof tool === \"function\" ? (identifierOf(tool) ?? \"\") : tool;\n\
if (typeof named !== \"string\") throw new TypeErrorOf(\"describe_tool(name): the identifier of a tool, or its function\");\n\
const name = startsWith(named, \"tools.\") ? slice(named, \"tools.\".length) : named;\n\
const known = list();\n\
const alike = list();\n\
for (let i = 0; i < cell.tools.length; i++) {\n\
const entry = cell.tools[i];\n\
if (entry[0] === name) return textOf(entry);\n\
known[i] = entry[0];\n\
if (entry[2] === name) alike[alike.length] = entry[0];\n\
}\n\
const near = suggestion(alike.length > 0 ? alike : nearest(name, known));\n\
const shown = slice(name, 0, MAX_NAME_UNITS);\n\
const advice = near === \"\" ? \"; search_tools(query) finds what there is\" : near;\n\
throw refusal(shown, \"tool_not_found\", 'no tool is named \"' + shown + '\"' + advice);\n\
}\n\
return { __proto__: null, search_tools, describe_tool };\n\
})();\n\
\n\
// performance.js\n\
const module_performance = (() => {\n\
const { TypeErrorOf } = module_primordials;\n\
const { asInterface } = module_define;\n\
const { sinceStart, timeOrigin } = module_timers;\n\
\n\
const KEY = {};\n\
\n\
class Performance {\n\
#isPerformance = true;\n\
\n\
constructor(key = undefined) {\n\
if (key !== KEY) throw new TypeErrorOf(\"Illegal constructor\");\n\
}\n\
\n\
get timeOrigin() {\n\
this.#isPerformance; // throws for what is no Performance\n\
return timeOrigin();\n\
}\n\
\n\
now() {\n\
this.#isPerformance;\n\
return sinceStart();\n\
}\n\
\n\
toJSON() {\n\
this.#isPerformance;\n\
return { timeOrigin: timeOrigin() };\n\
}\n\
}\n\
asInterface(Performance, \"Performance\");\n\
\n\
const performance = new Performance(KEY);\n\
return { __proto__: null, performance };\n\
})();\n\
\n\
// structured_clone.js\n\
const module_structured_clone = (() => {\n\
const { BufferOf, Bytes, DataViewOf, DateOf, ERRORS, ErrorOf, MapOf, ObjectOf, RegExpOf, SetOf, TYPED_ARRAYS, TypeErrorOf, arrayBufferIsDetached, arrayBufferIsResizable, arrayBufferLength, arrayBufferMaxLength, arrayBufferTransfer, dataViewBuffer, dataViewByteLength, dataViewByteOffset, dateGetTime, functionToString, getOwnPropertyDescriptor, hasOwn, isArray, isError, list, mapForEach, mapGet, mapHas, mapSet, objectKeys, regExpSource, setAdd, setForEach, symbolToString, typedArrayBuffer, typedArrayByteOffset, typedArrayLength, typedArraySet, typedArrayTag } = module_primordials;\n\
const { isBuffer, isDataView, isDate, isMap, isPlain, isRegExp, isSet, isTypedArray, opaqueKind, regExpFlags, unboxed } = module_brands;\n\
const { DOMException, isDOMException } = module_dom_exception;\n\
const { hiddenValue, ownValue } = module_define;\n\
const { itemsOf } = module_iteration;\n\
const { stackOf, titleOf } = module_stack;\n\
const { URL } = module_url;\n\
const { URLSearchParams } = module_search_params;\n\
\n\
function refuse(what) {\n\
throw new DOMException(what + \" could not be cloned.\", \"DataCloneError\");\n\
}\n\
\n\
class Cloning {\n\
copies = new MapOf();\n\
\n\
value(value) {\n\
switch (typeof value) {\n\
case \"symbol\":\n\
return refuse(symbolToString(value));\n\
case \"function\":\n\
return refuse(functionToString(value));\n\
case \"object\":\n\
return value === null ? null : (mapGet(this.copies, value) ?? this.object(value));\n\
default:\n\
return value;\n\
}\n\
}\n\
\n\
note(value, copy) {\n\
mapSet(this.copies, value, copy);\n\
return copy;\n\
}\n\
\n\
object(value) {\n\
if (isArray(value)) return this.array(value);\n\
if (isError(value)) return this.error(value);\n\
if (isPlain(value)) return this.properties(value, this.note(value, {}));\n\
if (isDate(value)) return this.note(value, new DateOf(dateGetTime(value)));\n\
if (isRegExp(value)) return this.note(value, new RegExpOf(regExpSource(value), regExpFlags(value)));\n\
if (isMap(value)) return this.map(value);\n\
if (isSet(value)) return this.set(value);\n\
if (isBuffer(value)) return this.buffer(value);\n\
if (isTypedArray(value)) {\n\
const Maker = TYPED_ARRAYS[typedArrayTag(value)];\n\
return this.view(value, Maker, typedArrayBuffer(value), typedArrayByteOffset(value), typedArrayLength(value));\n\
}\n\
if (isDataView(value)) {\n\
const buffer = dataViewBuffer(value);\n\
if (arrayBufferIsDetached(buffer)) return refuse(\"A DataView of a detached ArrayBuffer\");\n\
return this.view(value, DataViewOf, buffer, dataViewByteOffset(value), dataViewByteLength(value));\n\
}\n\
const boxed = unboxed(value);\n\
if (boxed !== undefined) {\n\
return typeof boxed.value === \"symbol\" ? refuse(\"[object Symbol]\") : this.note(value, ObjectOf(boxed.value));\n\
}\n\
const kind = opaqueKind(value) ?? interfaceOf(value);\n\
if (kind !== undefined) return refuse(\"#<\" + kind + \">\");\n\
return this.properties(value, this.note(value, {}));\n\
}\n\
\n\
properties(value, copy) {\n\
const keys = objectKeys(value);\n\
for (let i = 0; i < keys.length; i++) {\n\
if (hasOwn(value, keys[i])) ownValue(copy, keys[i], this.value(value[keys[i]]));\n\
}\n\
return copy;\n\
}\n\
\n\
array(value) {\n\
const copy = this.note(value, []);\n\
copy.length = value.length;\n\
return this.properties(value, copy);\n\
}\n\
\n\
map(value) {\n\
const copy = this.note(value, new MapOf());\n\
const entries = list();\n\
mapForEach(value, (part, key) => {\n\
entries[entries.length] = key;\n\
entries[entries.length] = part;\n\
});\n\
for (let i = 0; i < entries.length; i += 2) mapSet(copy, this.value(entries[i]), this.value(entries[i + 1]));\n\
return copy;\n\
}\n\
\n\
set(value) {\n\
const copy = this.note(value, new SetOf());\n\
const parts = list();\n\
setForEach(value, (part) => {\n\
parts[parts.length] = part;\n\
});\n\
for (let i = 0; i < parts.length; i++) setAdd(copy, this.value(parts[i]));\n\
return copy;\n\
}\n\
\n\
buffer(value) {\n\
if (arrayBufferIsDetached(value)) return refuse(\"An ArrayBuffer that is detached\");\n\
const length = arrayBufferLength(value);\n\
const options = { __proto__: null };\n\
if (arrayBufferIsResizable(value)) options.maxByteLength = arrayBufferMaxLength(value);\n\
const copy = new BufferOf(length, options);\n\
typedArraySet(new Bytes(copy), new Bytes(value));\n\
return this.note(value, copy);\n\
}\n\
\n\
view(value, Maker, buffer, offset, length) {\n\
return this.note(value, new Maker(this.value(buffer), offset, length));\n\
}\n\
\n\
error(value) {\n\
if (isDOMException(value)) return this.domException(value);\n\
const name = `${value.name}`;\n\
const message = getOwnPropertyDescriptor(value, \"message\");\n\
const copy = this.note(value, new (ERRORS[name] ?? ErrorOf)());\n\
if (message !== undefined && hasOwn(message, \"value\")) hiddenValue(copy, \"message\", `${message.value}`);\n\
return this.story(value, copy);\n\
}\n\
\n\
domException(value) {\n\
const title = titleOf(value);\n\
return this.story(value, this.note(value, new DOMException(title.message, title.name)));\n\
}\n\
\n\
story(value, copy) {\n\
const stack = stackOf(value);\n\
if (stack !== undefined) hiddenValue(copy, \"stack\", stack);\n\
const cause = getOwnPropertyDescriptor(value, \"cause\");\n\
if (cause !== undefined && hasOwn(cause, \"value\")) hiddenValue(copy, \"cause\", this.value(cause.value));\n\
return copy;\n\
}\n\
}\n\
\n\
function interfaceOf(value) {\n\
if (value instanceof URL) return \"URL\";\n\
return value instanceof URLSearchParams ? \"URLSearchParams\" : undefined;\n\
}\n\
\n\
function transferred(options) {\n\
if (options === undefined || options === null) return list();\n\
if (typeof options !== \"object\") throw new TypeErrorOf(\"structuredClone(value, options): options is an object\");\n\
if (options.transfer === undefined) return list();\n\
const buffers = itemsOf(options.transfer);\n\
if (buffers === undefined) throw new TypeErrorOf(\"structuredClone: transfer is an iterable of ArrayBuffers\");\n\
const seen = new MapOf();\n\
for (let i = 0; i < buffers.length; i++) {\n\
const buffer = buffers[i];\n\
if (typeof buffer !== \"object\" || buffer === null) throw new TypeErrorOf(\"structuredClone: transfer holds ArrayBuffers\");\n\
if (!isBuffer(buffer) || arrayBufferIsDetached(buffer) || mapHas(seen, buffer)) {\n\
throw new DOMException(\"structuredClone: transfer holds ArrayBuffers, each once and not detached\", \"DataCloneError\");\n\
}\n\
mapSet(seen, buffer, true);\n\
}\n\
return buffers;\n\
}\n\
\n\
function structuredClone(value, options = undefined) {\n\
if (arguments.length === 0) throw new TypeErrorOf(\"structuredClone(value): the value is missing\");\n\
const buffers = transferred(options);\n\
const copy = new Cloning().value(value);\n\
for (let i = 0; i < buffers.length; i++) arrayBufferTransfer(buffers[i]);\n\
return copy;\n\
}\n\
return { __proto__: null, structuredClone };\n\
})();\n\
\n\
// table.js\n\
const module_table = (() => {\n\
const { MapOf, list, mapForEach, mapGet, mapSet, max, objectKeys, setForEach, toText } = module_primordials;\n\
const { isMap, isSet } = module_brands;\n\
const { inspect, propertyText } = module_render;\n\
\n\
const MAX_ROWS = 1000;\n\
const VALUES = \"Values\";\n\
\n\
class Table {\n\
rows = list();\n\
columns = list();\n\
known = new MapOf();\n\
hasValues = false;\n\
\n\
row(index) {\n\
const cells = new MapOf();\n\
this.rows[this.rows.length] = { __proto__: null, index, cells };\n\
return cells;\n\
}\n\
\n\
column(name) {\n\
if (mapGet(this.known, name) === true) return;\n\
mapSet(this.known, name, true);\n\
this.columns[this.columns.length] = name;\n\
}\n\
}\n\
\n\
const isRecord = (value) => typeof value === \"object\" && value !== null;\n\
\n\
function addRow(table, index, value, only) {\n\
const cells = table.row(index);\n\
if (!isRecord(value)) {\n\
table.hasValues = true;\n\
mapSet(cells, VALUES, inspect(value));\n\
return;\n\
}\n\
const names = only ?? objectKeys(value);\n\
for (let i = 0; i < names.length && i < MAX_ROWS; i++) {\n\
const name = toText(names[i]);\n\
table.column(name);\n\
const text = propertyText(value, name, inspect);\n\
if (text !== \"<empty>\") mapSet(cells, name, text);\n\
}\n\
}\n\
\n\
const repeated = (text, count) => {\n\
let all = \"\";\n\
for (let i = 0; i < count; i++) all += text;\n\
return all;\n\
};\n\
\n\
function boxed(lines) {\n\
const widths = list();\n\
for (let i = 0; i < lines.length; i++) {\n\
for (let j = 0; j < lines[i].length; j++) widths[j] = max(widths[j] ?? 0, lines[i][j].length + 2);\n\
}\n\
const rule = (left, middle, right) => {\n\
let text = left;\n\
for (let j = 0; j < widths.length; j++) text += (j === 0 ? \"\" : middle) + repeated(\"\\u2500\", widths[j]);\n\
return text + right;\n\
};\n\
let text = rule(\"\\u250c\", \"\\u252c\", \"\\u2510\");\n\
for (let i = 0; i < lines.length; i++) {\n\
text += \"\\n\\u2502\";\n\
for (let j = 0; j < widths.length; j++) {\n\
const cell = \" \" + lines[i][j];\n\
text += (j === 0 ? \"\" : \"\\u2502\") + cell + repeated(\" \", widths[j] - cell.length);\n\
}\n\
text += \"\\u2502\";\n\
if (i === 0) text += \"\\n\" + rule(\"\\u251c\", \"\\u253c\", \"\\u2524\");\n\
}\n\
return text + \"\\n\" + rule(\"\\u2514\", \"\\u2534\", \"\\u2518\");\n\
}\n\
\n\
function laidOut(table, indexName) {\n\
const columns = table.columns;\n\
if (table.hasValues) columns[columns.length] = VALUES;\n\
const lines = list();\n\
const header = list();\n\
header[0] = indexName;\n\
for (let j = 0; j < columns.length; j++) header[j + 1] = columns[j];\n\
lines[0] = header;\n\
for (let i = 0; i < table.rows.length; i++) {\n\
const line = list();\n\
line[0] = table.rows[i].index;\n\
for (let j = 0; j < columns.length; j++) line[j + 1] = mapGet(table.rows[i].cells, columns[j]) ?? \"\";\n\
lines[i + 1] = line;\n\
}\n\
return boxed(lines);\n\
}\n\
\n\
function tableText(value, only = undefined) {\n\
if (!isRecord(value)) return inspect(value);\n\
const table = new Table();\n\
let count = 0;\n\
if (isMap(value)) {\n\
mapForEach(value, (part, key) => {\n\
if (count >= MAX_ROWS) return;\n\
const cells = table.row(toText(count++));\n\
mapSet(cells, \"Key\", inspect(key));\n\
mapSet(cells, VALUES, inspect(part));\n\
});\n\
table.column(\"Key\");\n\
table.hasValues = true;\n\
return laidOut(table, \"(iteration index)\");\n\
}\n\
if (isSet(value)) {\n\
setForEach(value, (part) => {\n\
if (count < MAX_ROWS) addRow(table, toText(count++), part, only);\n\
});\n\
return laidOut(table, \"(iteration index)\");\n\
}\n\
const keys = objectKeys(value);\n\
for (; count < keys.length && count < MAX_ROWS; count++) {\n\
addRow(table, keys[count], value[keys[count]], only);\n\
}\n\
return laidOut(table, \"(index)\");\n\
}\n\
return { __proto__: null, tableText };\n\
})();\n\
\n\
return { __proto__: null, AbortController: module_abort.AbortController, AbortSignal: module_abort.AbortSignal, DOMException: module_dom_exception.DOMException, Event: module_event.Event, EventTarget: module_event_target.EventTarget, TextDecoder: module_text_decoder.TextDecoder, TextEncoder: module_text_encoder.TextEncoder, URL: module_url.URL, URLSearchParams: module_search_params.URLSearchParams, as_settled: module_as_settled.as_settled, atob: module_base64.atob, btoa: module_base64.btoa, crypto: module_crypto.crypto, describe_tool: module_search.describe_tool, search_tools: module_search.search_tools, nearest: module_nearest.nearest, suggestion: module_nearest.suggestion, performance: module_performance.performance, structuredClone: module_structured_clone.structuredClone, tableText: module_table.tableText };\n\
}\n\
//# sourceURL=codemode:runner\n\
")(module_primordials, module_cell, module_ring, module_define, module_stack, module_brands, module_render, module_failure, module_inner_promise, module_signals, module_calls, module_utf8, module_store, module_callbacks, module_timers, module_later, module_modules, module_output, module_control, module_format, module_console, module_globals, module_port));
return module_port.enginePort;
})()
//# sourceURL=codemode:runner
