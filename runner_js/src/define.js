// How properties are put on what a script is given.

import { TO_STRING_TAG, defineProperty, getOwnPropertyDescriptor, ownKeys } from "./primordials.js";

/** An own property as an assignment would make it, past every setter that a script may have put in the way. */
export function ownValue(target, key, value) {
  defineProperty(target, key, { __proto__: null, value, enumerable: true, configurable: true, writable: true });
}

/** An own property that is not enumerated. */
export function hiddenValue(target, key, value) {
  defineProperty(target, key, { __proto__: null, value, enumerable: false, configurable: true, writable: true });
}

/** Names of numbers that an interface of the web has, on its constructor and on its prototype. */
export function constants(Maker, numbers) {
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

/** Gives a class the shape of an interface of the web: members that are enumerated, and a tag. */
export function asInterface(Maker, name) {
  enumerated(Maker.prototype, (key) => key === "constructor");
  enumerated(Maker, (key) => key === "length" || key === "name" || key === "prototype");
  defineProperty(Maker.prototype, TO_STRING_TAG, { __proto__: null, value: name, configurable: true });
}

/** An error with a `code`, as node gives them. */
export function codedError(Maker, code, message) {
  const error = new Maker(message);
  ownValue(error, "code", code);
  return error;
}
