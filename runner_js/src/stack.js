// Stack traces hold the script's own frames, at the script's own positions, and none of the runner's.
//
// `Error.prepareStackTrace` is fixed here, before the script: once redefined by a script it could not be taken back, and
// it would run whenever anyone reads a stack.

import {
  ErrorOf, WeakMapOf, apply, charCodeAt, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, indexOf, isArray, isError, list,
  slice, startsWith, toText, weakGet, weakSet,
} from "./primordials.js";
import { cell } from "./cell.js";

const RUNNER_URL = "codemode:runner";
const MAX_MESSAGE_UNITS = 16384;
const MAX_FRAMES = 20;
/** Errors in one story, and members that are told of an AggregateError. */
const MAX_TOLD = 16;
const MAX_MEMBERS = 5;

/** Of each error whose stack was read: where it was made in the script, {line, column}, the stack, where its frames begin. */
const positions = new WeakMapOf();

/** {name, message} of each error of ours that shows its own by getters. */
const titles = new WeakMapOf();

export function setTitle(error, name, message) {
  weakSet(titles, error, { __proto__: null, name, message });
}

/** {name, message} as `setTitle` was given them; undefined for any other value. */
export const titleOf = (error) => weakGet(titles, error);

/** At most `MAX_MESSAGE_UNITS` of a text. */
export function cut(text) {
  return text.length <= MAX_MESSAGE_UNITS ? text : slice(text, 0, MAX_MESSAGE_UNITS) + "… (cut)";
}

/** The data property `key` of a value or of what it inherits from, without running an accessor. */
export function peek(value, key) {
  for (let at = value, depth = 0; at !== null && depth < 32; at = getPrototypeOf(at), depth++) {
    const descriptor = getOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return hasOwn(descriptor, "value") ? descriptor.value : undefined;
  }
  return undefined;
}

/** `Name: message` of an error, without running the script's code. */
export function headline(error) {
  const title = titleOf(error);
  const name = peek(error, "name") ?? title?.name;
  const message = peek(error, "message") ?? title?.message;
  const shownName = typeof name === "string" && name !== "" ? cut(name) : "Error";
  return typeof message === "string" && message !== "" ? shownName + ": " + cut(message) : shownName;
}

// The methods of a call site, taken from one before a script can touch their prototype.
const site = (() => {
  let methods;
  const before = getOwnPropertyDescriptor(ErrorOf, "prepareStackTrace");
  ErrorOf.prepareStackTrace = (_, sites) => {
    const prototype = getPrototypeOf(sites[0]);
    const method = (name) => {
      const captured = prototype[name];
      return (self) => apply(captured, self, []);
    };
    methods = {
      __proto__: null,
      source: method("getScriptNameOrSourceURL"),
      line: method("getLineNumber"),
      column: method("getColumnNumber"),
      text: method("toString"),
    };
    return "";
  };
  new ErrorOf().stack;
  if (before === undefined) delete ErrorOf.prepareStackTrace;
  return methods;
})();

/** The text of a frame with the columns of the script's first line as the script counts them. */
function withOwnColumns(text) {
  const place = cell.name + ":1:";
  let rest = text;
  let own = "";
  for (let at = indexOf(rest, place); at >= 0; at = indexOf(rest, place)) {
    const start = at + place.length;
    let end = start;
    let column = 0;
    for (; end < rest.length; end++) {
      const digit = charCodeAt(rest, end) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      column = column * 10 + digit;
    }
    own += slice(rest, 0, start) + toText(column > cell.prologueUnits ? column - cell.prologueUnits : column);
    rest = slice(rest, end);
  }
  return own + rest;
}

/** The text of a frame within an eval with the name of the script that holds the eval: V8 has none for it. */
function withOrigin(text) {
  const nameless = "(<anonymous>:";
  const at = indexOf(text, "(eval at ") < 0 ? -1 : indexOf(text, nameless);
  return at < 0 ? text : slice(text, 0, at + 1) + cell.name + slice(text, at + nameless.length - 1);
}

/** The text of one frame, or "" for a frame that is not the script's to see; notes the position in `found`. */
function frameText(callSite, found) {
  const source = site.source(callSite);
  if (source === RUNNER_URL) return "";
  const text = withOwnColumns(withOrigin(site.text(callSite)));
  if (source !== cell.name) return indexOf(text, RUNNER_URL) >= 0 ? "" : text;
  const line = site.line(callSite);
  const column = line === 1 ? site.column(callSite) - cell.prologueUnits : site.column(callSite);
  if (column < 1 || line > cell.lines) return ""; // in the text that stands around the script
  if (found.line === null) {
    found.line = line;
    found.column = column;
  }
  return text;
}

function prepareStackTrace(error, sites) {
  try {
    let text = headline(error);
    const found = { __proto__: null, line: null, column: null, stack: "", framesAt: text.length };
    const count = sites.length < MAX_FRAMES ? sites.length : MAX_FRAMES;
    for (let i = 0; i < count; i++) {
      const frame = frameText(sites[i], found);
      if (frame !== "") text += "\n    at " + frame;
    }
    found.stack = text;
    weakSet(positions, error, found);
    return text;
  } catch {
    return "Error"; // a script's Proxy or a forged argument threw: there is nothing true to say
  }
}

defineProperty(ErrorOf, "prepareStackTrace", { __proto__: null, value: prepareStackTrace });
ErrorOf.stackTraceLimit = MAX_FRAMES;

const nativeStack = getOwnPropertyDescriptor(new ErrorOf(), "stack");

/** The stack of an error as V8 keeps it; undefined where a script has put an accessor in its place. */
export function stackOf(error) {
  const descriptor = getOwnPropertyDescriptor(error, "stack");
  if (descriptor === undefined) return undefined;
  const own = hasOwn(descriptor, "value")
    ? descriptor.value
    : descriptor.get !== undefined && descriptor.get === nativeStack.get
      ? apply(descriptor.get, error, [])
      : undefined;
  return typeof own === "string" ? own : undefined;
}

/** The stack without the headline; "" where there is none. */
function framesOf(error) {
  const stack = stackOf(error);
  if (stack === undefined) return "";
  const found = weakGet(positions, error);
  if (found !== undefined && found.stack === stack) return slice(stack, found.framesAt);
  const title = headline(error);
  const at = indexOf(stack, "\n    at ", startsWith(stack, title) ? title.length : 0);
  return at < 0 ? "" : slice(stack, at);
}

/** What `show` makes of a value, but for a Proxy that throws. */
function shownBy(show, value) {
  try {
    return cut(show(value));
  } catch {
    return "a value that cannot be read";
  }
}

/** An error and all it comes from, each told once; `told`: those that were. */
function tell(error, show, told) {
  for (let i = 0; i < told.length; i++) if (told[i] === error) return headline(error);
  if (told.length >= MAX_TOLD) return headline(error);
  told[told.length] = error;
  const part = (label, value) =>
    "\n  [" + label + "]: " + (isError(value) ? tell(value, show, told) : shownBy(show, value));
  let story = headline(error) + framesOf(error);
  const cause = peek(error, "cause");
  if (cause !== undefined) story += part("cause", cause);
  const errors = peek(error, "errors");
  for (let i = 0; isArray(errors) && i < errors.length && i < MAX_MEMBERS; i++) {
    story += part("errors", peek(errors, toText(i)));
  }
  if (getOwnPropertyDescriptor(error, "suppressed") !== undefined) { // a SuppressedError
    story += part("error", peek(error, "error")) + part("suppressed", peek(error, "suppressed"));
  }
  return story;
}

/**
 * The whole story of an error: headline as it is now, the frames, and what it comes from: its cause, the errors that it
 * gathers, the one that it suppresses. `show` makes text of what is no Error among these.
 */
export const storyOf = (error, show) => cut(tell(error, show, list()));

/** {line, column} where the error was made in the script, or nulls. */
export function positionOf(error) {
  stackOf(error);
  return weakGet(positions, error) ?? { __proto__: null, line: null, column: null };
}
