// How a value reads as text: what JSON would say where JSON can say it, and what a person would write where it cannot.

import {
  REGEXP_FLAGS, apply, arrayBufferLength, dateGetTime, dateToISOString, functionToString, getOwnPropertyDescriptor,
  hasOwn, isArray, isError, list, mapForEach, mapSize, objectKeys, regExpSource, setForEach, setSize,
  stringify, symbolToString, toText, typedArrayLength, typedArrayTag,
} from "./primordials.js";
import { peek, storyOf } from "./stack.js";

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
export function inspect(value, path = list()) {
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
export function render(value) {
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
