// What the runner needs of the language, captured before any script runs. Nothing here is looked up again: a script may
// patch every built-in, and harms only itself.
//
// Rules for every other file: call a method through its captured form; index only own elements, of lists made by
// `list()` or by JSON.parse; no spread, no `for of`, no array destructuring, no `then`, no `await` on a promise that a
// script can reach.

const { bind, call } = Function.prototype;

/** (f) => (self, ...args) => f.call(self, ...args), out of reach of a patched `call`. */
export const uncurryThis = bind.bind(call);

export const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } =
  Reflect;
export const { freeze, keys: objectKeys, setPrototypeOf } = Object;
export const hasOwn = Object.hasOwn;
export const { isArray } = Array;
export const { stringify, parse } = JSON;
/** Called by this name, it evaluates in the global scope. */
export const evaluate = eval;
export const { floor, max, min, trunc: truncate } = Math;
export const toNumber = Number;
export const { isFinite: isFiniteNumber, parseFloat: parseDecimal } = Number;
export const DateOf = Date;
export const dateNow = Date.now;
export const dateToISOString = uncurryThis(Date.prototype.toISOString);
export const dateGetTime = uncurryThis(Date.prototype.getTime);

const regExpGetter = (name) => uncurryThis(getOwnPropertyDescriptor(RegExp.prototype, name).get);
export const RegExpOf = RegExp;
/** Throws for what is no RegExp. */
export const regExpSource = regExpGetter("source");
export const REGEXP_FLAGS = [
  ["d", regExpGetter("hasIndices")],
  ["g", regExpGetter("global")],
  ["i", regExpGetter("ignoreCase")],
  ["m", regExpGetter("multiline")],
  ["s", regExpGetter("dotAll")],
  ["u", regExpGetter("unicode")],
  ["v", regExpGetter("unicodeSets")],
  ["y", regExpGetter("sticky")],
];

export const { fromCharCode } = String;
export const charCodeAt = uncurryThis(String.prototype.charCodeAt);
export const indexOf = uncurryThis(String.prototype.indexOf);
export const slice = uncurryThis(String.prototype.slice);
export const startsWith = uncurryThis(String.prototype.startsWith);
export const toWellFormed = uncurryThis(String.prototype.toWellFormed);
export const toLowerCase = uncurryThis(String.prototype.toLowerCase);
export const toText = String;
export const symbolToString = uncurryThis(Symbol.prototype.toString);
export const functionToString = uncurryThis(Function.prototype.toString);

/** What a boxed primitive holds; each throws for what is not of its kind. */
export const UNBOX = [
  ["Number", uncurryThis(Number.prototype.valueOf)],
  ["String", uncurryThis(String.prototype.valueOf)],
  ["Boolean", uncurryThis(Boolean.prototype.valueOf)],
  ["BigInt", uncurryThis(BigInt.prototype.valueOf)],
  ["Symbol", uncurryThis(Symbol.prototype.valueOf)],
];
export const ObjectOf = Object;

export const { load: atomicLoad, store: atomicStore, wait: atomicWait } = Atomics;
export const SharedBytes = SharedArrayBuffer;
export const Units = Uint16Array;
export const Counters = Int32Array;
export const Bytes = Uint8Array;
export const Words = Uint32Array;

export const MapOf = Map;
export const mapGet = uncurryThis(Map.prototype.get);
export const mapSet = uncurryThis(Map.prototype.set);
export const mapHas = uncurryThis(Map.prototype.has);
export const mapDelete = uncurryThis(Map.prototype.delete);
export const mapForEach = uncurryThis(Map.prototype.forEach);
export const mapSize = uncurryThis(getOwnPropertyDescriptor(Map.prototype, "size").get);
export const SetOf = Set;
export const setAdd = uncurryThis(Set.prototype.add);
export const setDelete = uncurryThis(Set.prototype.delete);
export const setForEach = uncurryThis(Set.prototype.forEach);
export const setSize = uncurryThis(getOwnPropertyDescriptor(Set.prototype, "size").get);
export const WeakMapOf = WeakMap;
export const weakGet = uncurryThis(WeakMap.prototype.get);
export const weakSet = uncurryThis(WeakMap.prototype.set);


/** The getter `name` of a prototype; it throws for what is not of that kind. */
const getter = (prototype, name) => uncurryThis(getOwnPropertyDescriptor(prototype, name).get);
const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype);
/** The name of a typed array's kind, or undefined for anything else. */
export const typedArrayTag = getter(TypedArrayPrototype, Symbol.toStringTag);
export const typedArrayLength = getter(TypedArrayPrototype, "length");
export const typedArrayBuffer = getter(TypedArrayPrototype, "buffer");
export const typedArrayByteOffset = getter(TypedArrayPrototype, "byteOffset");
export const typedArrayByteLength = getter(TypedArrayPrototype, "byteLength");
export const typedArraySet = uncurryThis(TypedArrayPrototype.set);
export const TYPED_ARRAYS = { __proto__: null };
for (const Maker of [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array,
  Float32Array, Float64Array, globalThis.Float16Array,
]) {
  if (Maker !== undefined) TYPED_ARRAYS[Maker.name] = Maker;
}
export const DataViewOf = DataView;
export const dataViewBuffer = getter(DataView.prototype, "buffer");
export const dataViewByteOffset = getter(DataView.prototype, "byteOffset");
export const dataViewByteLength = getter(DataView.prototype, "byteLength");
export const BufferOf = ArrayBuffer;
export const arrayBufferLength = getter(ArrayBuffer.prototype, "byteLength");
export const arrayBufferMaxLength = getter(ArrayBuffer.prototype, "maxByteLength");
export const arrayBufferIsResizable = getter(ArrayBuffer.prototype, "resizable");
export const arrayBufferIsDetached = getter(ArrayBuffer.prototype, "detached");
export const arrayBufferTransfer = uncurryThis(ArrayBuffer.prototype.transfer);

export const ErrorOf = Error;
export const RangeErrorOf = RangeError;
export const TypeErrorOf = TypeError;
export const { isError } = Error;
/** The errors that keep their kind when they are cloned. */
export const ERRORS = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
export const AsyncFunction = (async () => {}).constructor;
export const PromiseOf = Promise;
export const promiseThen = uncurryThis(Promise.prototype.then);
export const resolvedPromise = Promise.resolve();
export const ProxyOf = Proxy;
export const TO_STRING_TAG = Symbol.toStringTag;
export const ITERATOR = Symbol.iterator;

/** An array that inherits nothing: an index that is not there cannot reach a script's setter or getter. */
export const list = () => setPrototypeOf([], null);

/** A record that inherits nothing. */
export const bare = () => ({ __proto__: null });
