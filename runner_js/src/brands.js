// What a value is, by what V8 itself says of it: none of the script's code runs, a Proxy's traps apart.

import {
  ObjectOf, REGEXP_FLAGS, TO_STRING_TAG, UNBOX, arrayBufferLength, dataViewBuffer, dateGetTime, getPrototypeOf, mapSize,
  regExpSource, setSize, slice, startsWith, typedArrayTag,
} from "./primordials.js";
import { peek } from "./stack.js";

/** What a getter of V8 says: it throws for anything that is not the real thing. */
function branded(check, value) {
  try {
    check(value);
    return true;
  } catch {
    return false;
  }
}

const ObjectPrototype = ObjectOf.prototype;

/**
 * True for an object that inherits nothing or only what every object does: asked first, for each question below costs an
 * exception where the answer is no. (A Map whose prototype was taken away counts as plain.)
 */
export function isPlain(value) {
  const prototype = getPrototypeOf(value);
  return prototype === ObjectPrototype || prototype === null;
}

export const isMap = (value) => branded(mapSize, value);
export const isSet = (value) => branded(setSize, value);
export const isDate = (value) => branded(dateGetTime, value);
export const isBuffer = (value) => branded(arrayBufferLength, value);
export const isRegExp = (value) => branded(regExpSource, value);
export const isTypedArray = (value) => typedArrayTag(value) !== undefined;
export const isDataView = (value) => branded(dataViewBuffer, value);

/** The flags of a RegExp, out of reach of what a script may have put in the place of its parts. */
export function regExpFlags(value) {
  let flags = "";
  for (let i = 0; i < REGEXP_FLAGS.length; i++) if (REGEXP_FLAGS[i][1](value)) flags += REGEXP_FLAGS[i][0];
  return flags;
}

/** The kind of a boxed primitive and what it holds, {name, value}; undefined for anything else. */
export function unboxed(value) {
  for (let i = 0; i < UNBOX.length; i++) {
    try {
      return { __proto__: null, name: UNBOX[i][0], value: UNBOX[i][1](value) };
    } catch {
      // of another kind
    }
  }
  return undefined;
}

const OPAQUE = {
  __proto__: null, Promise: true, WeakMap: true, WeakSet: true, WeakRef: true, Generator: true, AsyncGenerator: true,
};

/**
 * The kind of a value whose content nobody can read from outside: a promise, a generator, an iterator, what Intl and
 * Temporal make. V8 has no harmless test for all of them, so what counts is the tag that their prototypes carry.
 */
export function opaqueKind(value) {
  const tag = peek(value, TO_STRING_TAG);
  if (typeof tag !== "string") return undefined;
  const opaque =
    OPAQUE[tag] === true || startsWith(tag, "Intl.") || startsWith(tag, "Temporal.") || slice(tag, -9) === " Iterator";
  return opaque ? tag : undefined;
}
