// URL, by the URL standard; but a host name that is not ASCII is refused: the tables it needs are not in the engine.
//
// This module and those that it imports work for the script alone, on the language as the script has left it: nothing
// of the runner depends on them, so whoever patches what they call harms only itself.

import { asInterface, codedError } from "./define.js";
import { paramsOfQuery, reloadParams } from "./search_params.js";
import { requireArguments, textOf } from "./url_arguments.js";
import { parseUrl } from "./url_parser.js";
import { Refusal, hostText, isSpecial, pathText, urlText } from "./url_record.js";
import {
  setFragment, setHost, setPassword, setPath, setPort, setProtocol, setQuery, setUsername,
} from "./url_setters.js";

const recordOf = (text, base) => parseUrl(text, base === undefined ? null : parseUrl(base, null));
const textOrNone = (value) => (value === undefined ? undefined : textOf(value));

/** What `read` gives, or what `refused` makes of a Refusal. */
function orElse(read, refused) {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Refusal) return refused(thrown);
    throw thrown;
  }
}

const recordOrNull = (text, base) => orElse(() => recordOf(text, base), () => null);

/** Throws what a script sees where `read` is refused. */
function orThrow(read, input, base = undefined) {
  return orElse(read, (refusal) => {
    const error = codedError(TypeError, "ERR_INVALID_URL", refusal.message);
    throw Object.assign(error, base === undefined ? { input } : { input, base });
  });
}

function originOf(url) {
  if (url.scheme === "blob") {
    const inner = recordOrNull(pathText(url));
    return inner?.scheme === "http" || inner?.scheme === "https" ? originOf(inner) : "null";
  }
  return isSpecial(url) && url.scheme !== "file" ? `${url.scheme}://${hostText(url)}` : "null";
}

const prefixed = (prefix, text) => (text === null || text === "" ? "" : prefix + text);

export class URL {
  #url;
  #params = null;

  constructor(url, base = undefined) {
    requireArguments(arguments.length, "url");
    const input = textOf(url);
    const baseText = textOrNone(base);
    this.#url = orThrow(() => recordOf(input, baseText), input, baseText);
  }

  static canParse(url, base = undefined) {
    requireArguments(arguments.length, "url");
    return recordOrNull(textOf(url), textOrNone(base)) !== null;
  }

  static parse(url, base = undefined) {
    requireArguments(arguments.length, "url");
    const record = recordOrNull(textOf(url), textOrNone(base));
    return record === null ? null : new URL(urlText(record));
  }

  get href() {
    return urlText(this.#url);
  }

  set href(value) {
    const input = textOf(value);
    this.#url = orThrow(() => recordOf(input), input);
    this.#reloadParams();
  }

  get origin() {
    return originOf(this.#url);
  }

  get protocol() {
    return this.#url.scheme + ":";
  }

  set protocol(value) {
    setProtocol(this.#url, textOf(value));
  }

  get username() {
    return this.#url.username;
  }

  set username(value) {
    setUsername(this.#url, textOf(value));
  }

  get password() {
    return this.#url.password;
  }

  set password(value) {
    setPassword(this.#url, textOf(value));
  }

  get host() {
    return hostText(this.#url);
  }

  set host(value) {
    const text = textOf(value);
    orThrow(() => setHost(this.#url, text, true), text);
  }

  get hostname() {
    return this.#url.host ?? "";
  }

  set hostname(value) {
    const text = textOf(value);
    orThrow(() => setHost(this.#url, text, false), text);
  }

  get port() {
    return String(this.#url.port ?? "");
  }

  set port(value) {
    setPort(this.#url, textOf(value));
  }

  get pathname() {
    return pathText(this.#url);
  }

  set pathname(value) {
    setPath(this.#url, textOf(value));
  }

  get search() {
    return prefixed("?", this.#url.query);
  }

  set search(value) {
    setQuery(this.#url, textOf(value));
    this.#reloadParams();
  }

  /** One object for the life of the URL: each of the two follows what a script does to the other. */
  get searchParams() {
    this.#params ??= paramsOfQuery(this.#url.query ?? "", (query) => {
      this.#url.query = query === "" ? null : query;
    });
    return this.#params;
  }

  get hash() {
    return prefixed("#", this.#url.fragment);
  }

  set hash(value) {
    setFragment(this.#url, textOf(value));
  }

  toString() {
    return urlText(this.#url);
  }

  toJSON() {
    return urlText(this.#url);
  }

  #reloadParams() {
    if (this.#params !== null) reloadParams(this.#params, this.#url.query ?? "");
  }
}

asInterface(URL, "URL");
