// Nested calls: each gets an id that is never used again, and one answer. Out of reach of the script: the ids, the open
// calls, the promises that are waited for inside.

import {
  ErrorOf, MapOf, TypeErrorOf, bare, defineProperty, freeze, isArray, list, mapDelete, mapGet, mapSet, parse, setPrototypeOf,
  slice, stringify, toText,
} from "./primordials.js";
import { cell } from "./cell.js";
import { ownValue } from "./define.js";
import { failForGood } from "./failure.js";
import { Deferred } from "./inner_promise.js";
import { KIND, put, putCall } from "./ring.js";
import { addAlgorithm, removeAlgorithm, signalState } from "./signals.js";

const MAX_NAME_UNITS = 256;
const ARGUMENTS_RULE = "takes one argument, an object";

/** A call that has no answer yet. */
class Call extends Deferred {
  id = 0;
  /** Its index in `waiting` while its id is 0. */
  place = -1;
  tool;
  text;
  units;
  signal;
  /** What an AbortSignal of ours calls when it aborts. */
  abort = undefined;

  constructor(tool, text, signal) {
    super();
    this.tool = tool;
    this.text = text;
    this.units = text.length;
    this.signal = signal;
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
let unitsInFlight = 0;
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
  putCall(id, call.tool, call.text, call.signal !== undefined);
  call.id = lastId = id;
  call.text = "";
  inFlight += 1;
  unitsInFlight += call.units;
}

/** One call alone may always be in flight, however long its argument is. */
const hasRoomFor = (call) =>
  inFlight === 0 ||
  (inFlight < cell.maxCallsInFlight && unitsInFlight + call.units <= cell.maxArgumentUnitsInFlight);

/**
 * One call, sent now or when one in flight has been answered. Gives {ok, value} or {ok: false, …error}; nothing, ever,
 * where the script has ended. One whose signal has aborted is sent too, and cancelled in the same breath: the host lists
 * it, and its tool never hears of it.
 */
function request(tool, text, signal) {
  if (cell.ended) return new Deferred().promise;
  made += 1;
  if (made > cell.maxCalls) failForGood("call_limit", "the script made more than " + toText(cell.maxCalls) + " calls");
  const call = new Call(tool, text, signal);
  if (firstWaiting === waiting.length && hasRoomFor(call)) {
    send(call);
  } else {
    call.place = waiting.length;
    waiting[call.place] = call;
  }
  cell.openCalls += 1;
  if (signal !== undefined) listen(call);
  return call.promise;
}

function sendWaiting() {
  if (cell.ended) return;
  while (firstWaiting < waiting.length) {
    const call = waiting[firstWaiting];
    if (call !== null && !hasRoomFor(call)) return;
    waiting[firstWaiting] = undefined;
    firstWaiting += 1;
    if (call !== null) send(call);
  }
  waiting.length = 0;
  firstWaiting = 0;
}

function settle(call, answer) {
  cell.openCalls -= 1;
  if (call.abort !== undefined) removeAlgorithm(call.signal, call.abort);
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
    unitsInFlight -= call.units;
    settle(call, new Answer(answers[i + 1] === 0, answers[i + 2]));
  }
  sendWaiting();
}

/** What a call is answered that was never made. */
function failureFields(tool, code, message) {
  const fields = bare();
  fields.message = message;
  fields.code = code;
  fields.tool = tool;
  fields.callId = null;
  return fields;
}

/** A `ToolError` for a call that was never made. */
export const refusal = (tool, code, message) => new ToolError(failureFields(tool, code, message));

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
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal !== "object") throw new TypeErrorOf(tool + ": the signal is an AbortSignal");
  return signal;
}

/** Has a call cancelled when its signal aborts. A call that still waits for its turn is never made. */
function listen(call) {
  const signal = call.signal;
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
  const state = signalState(signal);
  // A signal is whatever behaves as one; what is no AbortSignal may at most fool the script that made it.
  if (state === undefined ? signal.aborted : state.isAborted) {
    abort();
  } else if (state === undefined) {
    signal.addEventListener("abort", abort);
  } else {
    call.abort = abort;
    addAlgorithm(signal, abort);
  }
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
