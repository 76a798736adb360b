// The port carries everything into the engine. Its accessors are set and read as items from Python; each is total, for an
// exception that left one would kill the process.
//
// Promise jobs drain before V8's thread takes the next request, so a `get` after a `set` sees all that the set caused.

import {
  AsyncFunction, bare, defineProperty, floor, freeze, objectKeys, parse, promiseThen, resolvedPromise,
  stringify,
} from "./primordials.js";
import { cell } from "./cell.js";
import { ringBuffer } from "./ring.js";
import { continueIdsAfter, deliver, lastCallId } from "./calls.js";
import { complete, fail } from "./failure.js";
import { fillStore, takeStored } from "./store.js";
import { fireDueTimer, setClock, startClock, untilNextTimer } from "./timers.js";
import { dynamicImport, makeModules } from "./modules.js";
import { helpers, installTools } from "./globals.js";

const FAULTY = -4;
const ENDED = -3;
const STALLED = -2;
const WAITING = -1;

let modules;
let fault = "";

/** Runs one accessor; what it throws is kept for Python to read, and never leaves. */
function total(body) {
  try {
    return body();
  } catch (error) {
    try {
      fault = "" + error.stack;
    } catch {
      fault = "an error that cannot be read";
    }
    return undefined;
  }
}

const setters = {
  __proto__: null,
  /** JSON text: what `start` says of the cell. */
  cell(text) {
    const given = parse(text);
    cell.name = given.name;
    cell.tools = given.tools;
    cell.maxCallsInFlight = given.maxCallsInFlight;
    cell.maxCalls = given.maxCalls;
    cell.maxStoreBytes = given.maxStoreBytes;
    cell.maxStoreKeys = given.maxStoreKeys;
    cell.maxArgumentUnits = given.maxArgumentUnits;
    cell.maxArgumentUnitsInFlight = given.maxArgumentUnitsInFlight;
    cell.maxOutputUnits = given.maxOutputUnits;
    cell.maxOutputItems = given.maxOutputItems;
    cell.maxTimers = given.maxTimers;
    cell.seed = given.seed;
    continueIdsAfter(given.lastCall);
    fillStore(given.stored, given.storedBytes);
    modules = makeModules(helpers);
    installTools(modules);
  },
  /** JSON text [UTF-16 units that stand before the script on its first line, its number of lines]. */
  place(text) {
    const place = parse(text);
    cell.prologueUnits = place[0];
    cell.lines = place[1];
  },
  /** The script as a function (`modules.py` says of what form). It starts in a promise job: no frame of ours below it. */
  script(wrapper) {
    const report = (failed, thrown) => {
      if (failed === 1) fail(thrown);
      else complete();
    };
    startClock();
    cell.started = true;
    promiseThen(resolvedPromise, wrapper(report, modules.namespaces, dynamicImport(modules.namespaces)));
  },
  /** Answers to calls, as `deliver` takes them. */
  answers(text) {
    deliver(text);
  },
  /** JSON text [[key, JSON text of the value or null], …]: other cells stored these. */
  stored(text) {
    const entries = parse(text);
    for (let i = 0; i < entries.length; i++) takeStored(entries[i][0], entries[i][1]);
  },
  /** Milliseconds on the host's clock; a timer that is due runs. */
  now(ms) {
    setClock(ms);
    if (cell.started) fireDueTimer();
  },
};

let aloneError = "";

const getters = {
  __proto__: null,
  ring: () => ringBuffer,
  /** Milliseconds until the next timer, or why there is none. */
  state() {
    if (fault !== "") return FAULTY;
    if (cell.ended) return ENDED;
    const next = untilNextTimer();
    if (next >= 0) return floor(next + 0.999);
    return cell.openCalls > 0 ? WAITING : STALLED;
  },
  /** JSON text: the names that each module exports, by its specifier. */
  exports() {
    const names = bare();
    for (const specifier of objectKeys(modules.namespaces)) names[specifier] = objectKeys(modules.namespaces[specifier]);
    return stringify(names);
  },
  lastCall: lastCallId,
  /** "" or why the text last given as `alone` does not parse as a function body by itself. */
  alone: () => aloneError,
  /** "" or what an accessor threw. */
  fault: () => fault,
};

function checkAlone(text) {
  aloneError = "";
  try {
    new AsyncFunction(text);
  } catch (error) {
    aloneError = "" + error.message;
  }
}

const port = bare();
for (const name of ["cell", "place", "script", "answers", "stored", "now"]) {
  const body = setters[name];
  defineProperty(port, name, { __proto__: null, set: (value) => total(() => body(value)) });
}
defineProperty(port, "alone", {
  __proto__: null,
  set: (text) => total(() => checkAlone(text)),
  get: () => total(getters.alone),
});
for (const name of ["ring", "state", "exports", "lastCall", "fault"]) {
  defineProperty(port, name, { __proto__: null, get: () => total(getters[name]) });
}

export const enginePort = freeze(port);
