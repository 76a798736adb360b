// Nested calls: each gets an id that is never used again, and one answer. Out of reach of the script: the ids, the open
// calls, the promises that are waited for inside.

import {
  ErrorOf, MapOf, PromiseOf, TypeErrorOf, bare, defineProperty, freeze, isArray, list, mapDelete, mapGet, mapSet, parse,
  setPrototypeOf, slice, stringify, toText,
} from "./primordials.js";
import { cell } from "./cell.js";
import { failForGood } from "./failure.js";
import { KIND, put, putCall } from "./ring.js";

const MAX_NAME_UNITS = 256;
const ARGUMENTS_RULE = "takes one argument, an object";

/**
 * A promise that a script never sees. Its prototype is its own, so that `await` finds V8's `constructor` there, whatever
 * a script does to Promise.prototype.
 */
class InnerPromise extends PromiseOf {
  constructor(executor) {
    super(executor);
  }
}
defineProperty(InnerPromise.prototype, "constructor", { __proto__: null, value: PromiseOf });
setPrototypeOf(InnerPromise.prototype, null);
freeze(InnerPromise.prototype);

// Fields are defined, not set, so a script's setter on Object.prototype never sees them; and these objects stay fast,
// which bare ones are not.

/** A promise for the runner's own use, and the function that fulfils it. */
class Deferred {
  resolve = undefined;
  promise = new InnerPromise((resolve) => {
    this.resolve = resolve;
  });
}

export const innerPromise = () => new Deferred();

/** A call that has no answer yet. */
class Call extends Deferred {
  id = 0;
  /** Its index in `waiting` while its id is 0. */
  place = -1;
  tool;
  text;
  abortable;

  constructor(tool, text, abortable) {
    super();
    this.tool = tool;
    this.text = text;
    this.abortable = abortable;
  }
}

/** What a call was answered. It inherits nothing, so that nobody finds a `then` on it. */
class Answer {
  ok;
  value;

  constructor(ok, value) {
    this.ok = ok;
    this.value = value;
  }
}
setPrototypeOf(Answer.prototype, null);
freeze(Answer.prototype);

function ownValue(target, key, value) {
  defineProperty(target, key, { __proto__: null, value, enumerable: true, configurable: true, writable: true });
}

/** What a failed call rejects with. */
class ToolError extends ErrorOf {
  constructor(answer) {
    super(answer.message);
    ownValue(this, "code", answer.code);
    ownValue(this, "tool", answer.tool);
    ownValue(this, "callId", answer.callId);
  }
}
defineProperty(ToolError.prototype, "name", { __proto__: null, value: "ToolError", configurable: true, writable: true });

const open = new MapOf();
const waiting = list();
let firstWaiting = 0;
let lastId = 0;
let inFlight = 0;
let made = 0;

/** Ids go on from an earlier cell of the same worker. */
export function continueIdsAfter(id) {
  lastId = id;
}

export const lastCallId = () => lastId;

/** Where the stack ends on the way, the call was not made: its id is the next one's, which takes its place. */
function send(call) {
  const id = lastId + 1;
  mapSet(open, id, call);
  putCall(id, call.tool, call.text, call.abortable);
  call.id = lastId = id;
  call.text = "";
  inFlight += 1;
}

/**
 * One call, sent now or when one in flight has been answered. Gives {ok, value} or {ok: false, …error}; nothing, ever,
 * where the script has ended.
 */
function request(tool, text, signal) {
  if (cell.ended) return innerPromise().promise;
  made += 1;
  if (made > cell.maxCalls) failForGood("call_limit", "the script made more than " + toText(cell.maxCalls) + " calls");
  const call = new Call(tool, text, signal !== undefined);
  if (inFlight < cell.maxCallsInFlight) {
    send(call);
  } else {
    call.place = waiting.length;
    waiting[call.place] = call;
  }
  cell.openCalls += 1;
  if (signal !== undefined) onAbort(signal, call);
  return call.promise;
}

function sendWaiting() {
  if (cell.ended) return;
  while (inFlight < cell.maxCallsInFlight && firstWaiting < waiting.length) {
    const call = waiting[firstWaiting];
    waiting[firstWaiting] = undefined;
    firstWaiting += 1;
    if (call !== null) send(call);
  }
  if (firstWaiting === waiting.length) {
    waiting.length = 0;
    firstWaiting = 0;
  }
}

function settle(call, answer) {
  cell.openCalls -= 1;
  call.resolve(answer);
}

/** Takes the answers that are ready: [id, status, value, id, status, value, …]; 0 is ok. An unknown id is dropped. */
export function deliver(text) {
  const answers = parse(text);
  for (let i = 0; i < answers.length; i += 3) {
    const call = mapGet(open, answers[i]);
    if (call === undefined) continue;
    mapDelete(open, answers[i]);
    inFlight -= 1;
    settle(call, new Answer(answers[i + 1] === 0, answers[i + 2]));
  }
  sendWaiting();
}

/** The fields of a `ToolError` for a call that was never made. */
function failureFields(tool, code, message) {
  const fields = bare();
  fields.message = message;
  fields.code = code;
  fields.tool = tool;
  fields.callId = null;
  return fields;
}

const refusal = (tool, code, message) => new ToolError(failureFields(tool, code, message));

function withinLimit(tool, text) {
  if (text.length <= cell.maxArgumentUnits) return text;
  const size = toText(text.length) + " characters of JSON; at most " + toText(cell.maxArgumentUnits) + " are taken";
  throw refusal(tool, "invalid_arguments", tool + ": the argument comes to " + size);
}

/** JSON text of a call's one argument. */
function argumentsText(tool, freeform, given) {
  if (freeform) {
    if (typeof given !== "string") throw refusal(tool, "invalid_arguments", tool + " takes one argument, a string");
    return withinLimit(tool, stringify(given));
  }
  if (given === undefined) return "{}";
  if (typeof given !== "object" || given === null || isArray(given)) {
    throw refusal(tool, "invalid_arguments", tool + " " + ARGUMENTS_RULE);
  }
  let text;
  try {
    text = stringify(given);
  } catch (error) {
    const why = typeof error === "object" && error !== null ? error.message : error;
    throw refusal(tool, "invalid_arguments", tool + ": the argument has no JSON form: " + why);
  }
  if (text === undefined) throw refusal(tool, "invalid_arguments", tool + " " + ARGUMENTS_RULE);
  return withinLimit(tool, text);
}

function signalOf(tool, options) {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== "object") throw new TypeErrorOf(tool + ": the second argument is an object, {signal}");
  const signal = options.signal;
  return signal === undefined || signal === null ? undefined : signal;
}

/** Cancels a call when its signal aborts. A call that still waits for its turn is never made. */
function onAbort(signal, call) {
  const abort = () => {
    if (cell.ended) return;
    if (call.id !== 0) {
      if (mapGet(open, call.id) === call) put(KIND.CANCEL, stringify(call.id));
      return;
    }
    if (waiting[call.place] !== call) return;
    waiting[call.place] = null;
    settle(call, new Answer(false, failureFields(call.tool, "cancelled", call.tool + " was cancelled by its signal")));
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
}

/** The async function for a name that no tool has: the host answers `tool_not_found`, with the names that come near. */
export function missingToolFunction(name) {
  const tool = slice(name, 0, MAX_NAME_UNITS);
  return async () => {
    const answer = await request(tool, "{}", undefined);
    throw new ToolError(answer.value);
  };
}

/** The async function by which a script calls one tool. */
export function toolFunction(name, tool, freeform) {
  const { [name]: call } = {
    [name]: async (given, options) => {
      const signal = signalOf(tool, options);
      const text = argumentsText(tool, freeform, given);
      const answer = await request(tool, text, signal);
      if (!answer.ok) throw new ToolError(answer.value);
      return answer.value;
    },
  };
  return freeze(call);
}
