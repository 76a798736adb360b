// The session's stored values, as this cell sees them. A value is kept as JSON text; each load parses a fresh clone.

import {
  MapOf, RangeErrorOf, TypeErrorOf, indexOf, mapDelete, mapGet, mapSet, objectKeys, parse, slice, startsWith, stringify,
  toText, toWellFormed,
} from "./primordials.js";
import { cell } from "./cell.js";
import { lostInJson } from "./render.js";
import { KIND, MAX_TEXT_UNITS, ensureStack, put, putPair } from "./ring.js";
import { utf8Length } from "./utf8.js";

/** A value that is kept, as JSON text. */
class Entry {
  text;
  #key;
  #bytes = -1;

  constructor(key, text) {
    this.text = text;
    this.#key = key;
  }

  /** What it and its key come to in UTF-8. Counted when it is asked for: most of what a cell is given stays as it is. */
  get bytes() {
    if (this.#bytes < 0) this.#bytes = utf8Length(this.#key) + utf8Length(this.text);
    return this.#bytes;
  }
}

const values = new MapOf();
let count = 0;
let totalBytes = 0;

/** Puts an entry, or with undefined nothing, in the place of the one before, of which it gives back the one or the other. */
function keep(key, entry) {
  const before = mapGet(values, key);
  if (entry === undefined) mapDelete(values, key);
  else mapSet(values, key, entry);
  count += (entry === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  totalBytes += (entry === undefined ? 0 : entry.bytes) - (before === undefined ? 0 : before.bytes);
  return before;
}

/** What the session holds when the cell starts: {key: JSON text}, and what that comes to in UTF-8. */
export function fillStore(stored, bytes) {
  const names = objectKeys(stored);
  for (let i = 0; i < names.length; i++) mapSet(values, names[i], new Entry(names[i], stored[names[i]]));
  count = names.length;
  totalBytes = bytes;
}

/** Another cell of the session stored a value, or removed it (null). */
export function takeStored(key, text) {
  keep(key, text === null ? undefined : new Entry(key, text));
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

export function store(key, value) {
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

export function load(key) {
  if (typeof key !== "string") throw new TypeErrorOf("load(key): the key is a string");
  const entry = mapGet(values, toWellFormed(key));
  return entry === undefined ? undefined : parse(entry.text);
}
