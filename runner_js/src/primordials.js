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
export const { floor, max, min } = Math;
export const { isFinite: isFiniteNumber, isInteger, isSafeInteger } = Number;
export const dateNow = Date.now;
export const dateToISOString = uncurryThis(Date.prototype.toISOString);
export const dateGetTime = uncurryThis(Date.prototype.getTime);

const regExpGetter = (name) => uncurryThis(getOwnPropertyDescriptor(RegExp.prototype, name).get);
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

export const charCodeAt = uncurryThis(String.prototype.charCodeAt);
export const indexOf = uncurryThis(String.prototype.indexOf);
export const slice = uncurryThis(String.prototype.slice);
export const startsWith = uncurryThis(String.prototype.startsWith);
export const toWellFormed = uncurryThis(String.prototype.toWellFormed);
export const toText = String;
export const symbolToString = uncurryThis(Symbol.prototype.toString);
export const functionToString = uncurryThis(Function.prototype.toString);

export const { load: atomicLoad, store: atomicStore, wait: atomicWait } = Atomics;
export const SharedBytes = SharedArrayBuffer;
export const Units = Uint16Array;
export const Counters = Int32Array;

export const MapOf = Map;
export const mapGet = uncurryThis(Map.prototype.get);
export const mapSet = uncurryThis(Map.prototype.set);
export const mapHas = uncurryThis(Map.prototype.has);
export const mapDelete = uncurryThis(Map.prototype.delete);
export const mapForEach = uncurryThis(Map.prototype.forEach);
export const mapSize = uncurryThis(getOwnPropertyDescriptor(Map.prototype, "size").get);
export const setForEach = uncurryThis(Set.prototype.forEach);
export const setSize = uncurryThis(getOwnPropertyDescriptor(Set.prototype, "size").get);
export const WeakMapOf = WeakMap;
export const weakGet = uncurryThis(WeakMap.prototype.get);
export const weakSet = uncurryThis(WeakMap.prototype.set);
export const weakHas = uncurryThis(WeakMap.prototype.has);

const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype);
export const typedArrayTag = uncurryThis(getOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag).get);
export const typedArrayLength = uncurryThis(getOwnPropertyDescriptor(TypedArrayPrototype, "length").get);
export const arrayBufferLength = uncurryThis(getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get);

export const ErrorOf = Error;
export const RangeErrorOf = RangeError;
export const TypeErrorOf = TypeError;
export const { isError } = Error;
export const AsyncFunction = (async () => {}).constructor;
export const PromiseOf = Promise;
export const promiseThen = uncurryThis(Promise.prototype.then);
export const resolvedPromise = Promise.resolve();
export const ProxyOf = Proxy;
export const SymbolOf = Symbol;
export const TO_STRING_TAG = Symbol.toStringTag;
export const ASYNC_ITERATOR = Symbol.asyncIterator;
export const ITERATOR = Symbol.iterator;

/** An array that inherits nothing: an index that is not there cannot reach a script's setter or getter. */
export const list = () => setPrototypeOf([], null);

/** A record that inherits nothing. */
export const bare = () => ({ __proto__: null });
