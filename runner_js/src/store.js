// The session's stored values, as this cell sees them. A value is kept as JSON text; each load parses a fresh clone.

import {
  MapOf, RangeErrorOf, TypeErrorOf, charCodeAt, mapDelete, mapForEach, mapGet, mapSet, objectKeys, parse, stringify,
  toText, toWellFormed,
} from "./primordials.js";
import { cell } from "./cell.js";
import { KIND, ensureStack, put, putPair } from "./ring.js";

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
export function fillStore(stored) {
  const names = objectKeys(stored);
  for (let i = 0; i < names.length; i++) keep(names[i], stored[names[i]]);
}

/** Another cell of the session stored a value, or removed it (null). */
export function takeStored(key, text) {
  keep(key, text === null ? undefined : text);
}

export function store(key, value) {
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

export function load(key) {
  if (typeof key !== "string") throw new TypeErrorOf("load(key): the key is a string");
  const text = mapGet(values, toWellFormed(key));
  return text === undefined ? undefined : parse(text);
}
