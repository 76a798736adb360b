// How a value reads as text: what JSON would say where JSON can say it, and what a person would write where it cannot.

import {
  MapOf, apply, arrayBufferLength, dataViewByteLength, dateGetTime, dateToISOString, functionToString,
  getOwnPropertyDescriptor, hasOwn, isArray, isError, list, mapForEach, mapGet, mapSet, mapSize, min, objectKeys,
  regExpSource, setForEach, setSize, stringify, symbolToString, toText, typedArrayLength, typedArrayTag,
} from "./primordials.js";
import {
  isBuffer, isDataView, isDate, isMap, isPlain, isRegExp, isSet, isTypedArray, opaqueKind, regExpFlags, unboxed,
} from "./brands.js";
import { peek, storyOf } from "./stack.js";

const MAX_DEPTH = 8;
const MAX_JSON_DEPTH = 500;
const MAX_ENTRIES = 1000;
/** What one value may come to before no more of its entries are shown: what is shared is shown wherever it is met. */
const MAX_SHOWN_UNITS = 1024 * 1024;

const contains = (path, value) => {
  for (let i = 0; i < path.length; i++) if (path[i] === value) return true;
  return false;
};

/** What JSON has no form for, as a person would name it; undefined where it has one. Looks at the value alone. */
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

/**
 * What JSON would lose of a value, however deep it lies: a Map, a cycle, a bigint…; undefined where it loses nothing.
 *
 * An object with a `toJSON` has a form of its own. `isStrict`: functions and symbols count too, which JSON leaves out.
 * `whole`: how deep in `path` the objects lay that are known to lose nothing, so that what is shared is read once.
 */
export function lostInJson(value, isStrict, path = list(), whole = new MapOf()) {
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
  // An array is read as it is: it may be long, and only a Proxy or a strange one runs code of the script's here.
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

/** One value on its way to text: the objects that hold what is being read, and the units that may still be shown. */
class Walk {
  path = list();
  unitsLeft = MAX_SHOWN_UNITS;
}

/** Joins what the functions make that `each` gives to its callback: up to MAX_ENTRIES, while the walk has units left. */
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
  if (count > shown) text += (shown === 0 ? "" : ", ") + "… " + toText(count - shown) + " more";
  return text === "" ? open + close : open + " " + text + " " + close;
}

function dataViewText(value) {
  try {
    return "DataView(" + toText(dataViewByteLength(value)) + ")";
  } catch {
    return "DataView(detached)";
  }
}

/** What is shown by one word and not by what it holds; undefined for anything else. */
function leafText(value, walk) {
  if (isDate(value)) return dateGetTime(value) === dateGetTime(value) ? dateToISOString(value) : "Invalid Date";
  if (isRegExp(value)) return "/" + regExpSource(value) + "/" + regExpFlags(value);
  if (isBuffer(value)) return "ArrayBuffer(" + toText(arrayBufferLength(value)) + ")";
  if (isDataView(value)) return dataViewText(value);
  const boxed = unboxed(value);
  return boxed === undefined ? undefined : "[" + boxed.name + ": " + inspect(boxed.value, walk) + "]";
}

/** The whole story of an error. Runs none of the script's code, a Proxy's traps apart. */
export function errorText(error, walk = new Walk()) {
  const path = walk.path;
  path[path.length] = error;
  const story = storyOf(error, (value) => inspect(value, walk));
  path.length -= 1;
  return story;
}

/** The value as a person would write it. Runs none of the script's code, a Proxy's traps apart. */
export function inspect(value, walk = new Walk()) {
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

/** One own property as `inner` shows it; a getter is not run. */
export function propertyText(value, key, inner) {
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
  if (isError(value)) return errorText(value);
  if (isDate(value) && dateGetTime(value) !== dateGetTime(value)) return "Invalid Date";
  if (lostInJson(value, false) !== undefined) return inspect(value);
  const text = stringify(value);
  return text === undefined ? toText(value) : text;
}
