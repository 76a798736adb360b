// URLSearchParams, by the URL standard: a list of names and values, which may be the query of a URL.

import { asInterface, codedError, hiddenValue } from "./define.js";
import { FORM, percentDecode, percentEncode } from "./percent.js";
import { requireArguments, textOf } from "./url_arguments.js";

const decoded = (text) => percentDecode(text.replaceAll("+", " "));
const encoded = (text) => percentEncode(text, FORM).replaceAll("%20", "+");

/** The [name, value] of each part of a query. */
function pairsOfQuery(query) {
  return query.split("&").filter((part) => part !== "").map((part) => {
    const at = part.indexOf("=");
    return at < 0 ? [decoded(part), ""] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];
  });
}

const queryOfPairs = (pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function pairOf(value) {
  const pair = isObject(value) && typeof value[Symbol.iterator] === "function" ? [...value] : [];
  if (pair.length !== 2) {
    throw codedError(TypeError, "ERR_INVALID_TUPLE", "Each query pair must be an iterable [name, value] tuple");
  }
  return pair.map(textOf);
}

function pairsOfRecord(record) {
  const pairs = new Map();
  for (const key of Reflect.ownKeys(record)) {
    if (Reflect.getOwnPropertyDescriptor(record, key)?.enumerable) pairs.set(textOf(key), textOf(record[key]));
  }
  return [...pairs];
}

function pairsOf(init) {
  if (!isObject(init)) return pairsOfQuery(textOf(init).replace(/^\?/, ""));
  const iterate = init[Symbol.iterator];
  if (iterate === undefined || iterate === null) return pairsOfRecord(init);
  if (typeof iterate !== "function") {
    throw codedError(TypeError, "ERR_ARG_NOT_ITERABLE", "Query pairs must be iterable");
  }
  return Array.from(init, pairOf);
}

/** Goes along a list that may change on the way. */
class PairIterator {
  #pairs;
  #view;
  #index = 0;

  /** `pairs` gives the list as it is now, `view` makes of a pair what is iterated over. */
  constructor(pairs, view) {
    this.#pairs = pairs;
    this.#view = view;
  }

  next() {
    const pairs = this.#pairs();
    if (this.#index >= pairs.length) return { value: undefined, done: true };
    return { value: this.#view(pairs[this.#index++]), done: false };
  }
}

delete PairIterator.prototype.constructor;
Object.setPrototypeOf(PairIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));
asInterface(PairIterator, "URLSearchParams Iterator");

/** What only the URL may do whose query they are: {follow, reload}. */
let inside;

export class URLSearchParams {
  #pairs;
  #changed = null;

  static {
    inside = {
      follow: (params, changed) => (params.#changed = changed),
      reload: (params, query) => (params.#pairs = pairsOfQuery(query)),
    };
  }

  constructor(init = undefined) {
    this.#pairs = init === undefined ? [] : pairsOf(init);
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    requireArguments(arguments.length, "name", "value");
    const pair = [textOf(name), textOf(value)];
    this.#pairs.push(pair);
    this.#tell();
  }

  delete(name, value = undefined) {
    requireArguments(arguments.length, "name");
    const matches = matcher(name, value);
    this.#pairs = this.#pairs.filter((pair) => !matches(pair));
    this.#tell();
  }

  get(name) {
    requireArguments(arguments.length, "name");
    const matches = matcher(name);
    return this.#pairs.find(matches)?.[1] ?? null;
  }

  getAll(name) {
    requireArguments(arguments.length, "name");
    const matches = matcher(name);
    return this.#pairs.filter(matches).map((pair) => pair[1]);
  }

  has(name, value = undefined) {
    requireArguments(arguments.length, "name");
    const matches = matcher(name, value);
    return this.#pairs.some(matches);
  }

  set(name, value) {
    requireArguments(arguments.length, "name", "value");
    const matches = matcher(name);
    const pair = [textOf(name), textOf(value)];
    const at = this.#pairs.findIndex(matches);
    if (at < 0) {
      this.#pairs.push(pair);
    } else {
      this.#pairs[at] = pair;
      this.#pairs = this.#pairs.filter((other) => other === pair || !matches(other));
    }
    this.#tell();
  }

  /** By the UTF-16 units of the names; equal names keep their order. */
  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
    this.#tell();
  }

  entries() {
    return this.#iterate((pair) => [...pair]);
  }

  forEach(callback, self = undefined) {
    if (typeof callback !== "function") {
      throw codedError(TypeError, "ERR_INVALID_ARG_TYPE", 'The "callback" argument must be of type function');
    }
    for (const [name, value] of this.#iterate((pair) => pair)) callback.call(self, value, name, this);
  }

  keys() {
    return this.#iterate((pair) => pair[0]);
  }

  values() {
    return this.#iterate((pair) => pair[1]);
  }

  toString() {
    return queryOfPairs(this.#pairs);
  }

  #tell() {
    this.#changed?.(queryOfPairs(this.#pairs));
  }

  #iterate(view) {
    return new PairIterator(() => this.#pairs, view);
  }
}

/** Whether a pair has this name, and this value where one is given. */
function matcher(name, value = undefined) {
  const wantedName = textOf(name);
  const wantedValue = value === undefined ? undefined : textOf(value);
  return (pair) => pair[0] === wantedName && (wantedValue === undefined || pair[1] === wantedValue);
}

asInterface(URLSearchParams, "URLSearchParams");
hiddenValue(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);

/** The parameters of a query; `changed` is given the query anew whenever a script changes them. */
export function paramsOfQuery(query, changed) {
  const params = new URLSearchParams();
  inside.reload(params, query);
  inside.follow(params, changed);
  return params;
}

/** Makes the parameters those of another query, and tells nobody. */
export function reloadParams(params, query) {
  inside.reload(params, query);
}
