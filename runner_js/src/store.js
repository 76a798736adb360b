// The session's stored values, as this cell sees them. A value is kept as JSON text; each load parses a fresh clone.

import {
  MapOf, RangeErrorOf, TypeErrorOf, indexOf, mapDelete, mapGet, mapSet, objectKeys, parse, slice, startsWith, stringify,
  toText, toWellFormed,
} from "./primordials.js";
import { cell } from "./cell.js";
import { lostInJson } from "./render.js";
import { KIND, ensureStack, put, putPair } from "./ring.js";
import { utf8Length } from "./utf8.js";

const values = new MapOf();
let totalBytes = 0;

/** Sets or, with undefined, removes a value; nothing is told to the host. */
function keep(key, text) {
  const before = mapGet(values, key);
  if (before !== undefined) totalBytes -= utf8Length(key) + utf8Length(before);
  if (text === undefined) {
    mapDelete(values, key);
    return;
  }
  totalBytes += utf8Length(key) + utf8Length(text);
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

/** JSON text of a value, which must keep all that it holds; as in JSON, what is undefined is left out. */
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

/** JSON text that says U+FFFD for each lone surrogate: `stringify` escapes these, and nothing else so. */
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

/** Keeps a value, or with undefined its absence, and tells the host: both or neither, also where the stack ends. */
function keepAndTell(key, text) {
  ensureStack();
  const before = mapGet(values, key);
  keep(key, text);
  try {
    if (text === undefined) put(KIND.UNSET, key);
    else putPair(KIND.STORE, key, text);
  } catch (error) {
    keep(key, before);
    throw error;
  }
}

export function store(key, value) {
  if (typeof key !== "string") throw new TypeErrorOf("store(key, value): the key is a string");
  key = toWellFormed(key);
  if (value === undefined) {
    if (cell.ended || key.length > cell.maxStoreBytes) return; // none of that length is kept
    keepAndTell(key, undefined);
    return;
  }
  const text = jsonText(key, value);
  const before = mapGet(values, key);
  const keyBytes = utf8Length(key);
  const after =
    totalBytes + keyBytes + utf8Length(text) - (before === undefined ? 0 : keyBytes + utf8Length(before));
  if (after > cell.maxStoreBytes) {
    throw new RangeErrorOf(
      "store(" + stringify(key) + "): the session's stored values would come to " + toText(after) +
        " bytes; at most " + toText(cell.maxStoreBytes) + " are kept",
    );
  }
  if (cell.ended) return;
  keepAndTell(key, text);
}

export function load(key) {
  if (typeof key !== "string") throw new TypeErrorOf("load(key): the key is a string");
  const text = mapGet(values, toWellFormed(key));
  return text === undefined ? undefined : parse(text);
}
