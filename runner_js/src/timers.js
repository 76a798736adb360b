// The cell's timers. The host's monotonic clock comes in with every entry; Date.now fills the time between, and is never
// trusted to run backwards. One timer fires an entry, so that promise jobs run between two of them.

import {
  MapOf, RangeErrorOf, TypeErrorOf, dateNow, floor, list, mapDelete, mapGet, mapSet, mapSize, max, min, toText,
} from "./primordials.js";
import { cell } from "./cell.js";
import { runCallback } from "./callbacks.js";
import { failForGood } from "./failure.js";
import { Deferred } from "./inner_promise.js";
import { ensureStack } from "./ring.js";

const MAX_DELAY_MS = 2 ** 31 - 1;
/** Cleared timers that may stay in the heap beyond as many as are live. */
const SPARE_CLEARED = 64;

let entryMs = 0; // the host's clock at the last entry
let entryDate = 0;
let latestMs = 0;
let startMs = 0;
let startDate = 0;
let lastId = 0;
let lastSequence = 0;

/** The live timers, and a binary heap of them in which a cleared one stays until it is met or there are many. */
const timers = new MapOf();
const heap = list();

/** The host's clock says this now. */
export function setClock(nowMs) {
  entryMs = nowMs;
  entryDate = dateNow();
}

/** Milliseconds on the host's monotonic clock. */
export function now() {
  latestMs = max(latestMs, entryMs + max(0, dateNow() - entryDate));
  return latestMs;
}

/** The script starts now. */
export function startClock() {
  startMs = now();
  startDate = dateNow();
}

/** Milliseconds since the script started, never fewer than before. */
export const sinceStart = () => now() - startMs;

/** When the script started, in milliseconds since 1970. */
export const timeOrigin = () => startDate;

const before = (a, b) => a.due < b.due || (a.due === b.due && a.sequence < b.sequence);

function pushDue(timer) {
  let at = heap.length;
  heap[at] = timer;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(timer, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = timer;
}

/** Puts a timer where it belongs in the heap, at this place or below it. */
function sink(at, timer) {
  const count = heap.length;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && before(heap[child + 1], heap[child])) child += 1;
    if (!before(heap[child], timer)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = timer;
}

function popDue() {
  const last = heap[heap.length - 1];
  heap.length -= 1;
  if (heap.length > 0) sink(0, last);
}

const isLive = (timer) => mapGet(timers, timer.id) === timer;

/** Makes the heap anew of the live timers alone. */
function dropCleared() {
  ensureStack(); // all of it, or none
  let count = 0;
  for (let i = 0; i < heap.length; i++) if (isLive(heap[i])) heap[count++] = heap[i];
  heap.length = count;
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(at, heap[at]);
}

/** The live timer that is due first, or undefined. */
function firstDue() {
  while (heap.length > 0) {
    const timer = heap[0];
    if (isLive(timer)) return timer;
    popDue();
  }
  return undefined;
}

function schedule(callback, delay, args, repeats) {
  const ms = +delay;
  const delayMs = ms >= 1 && ms <= MAX_DELAY_MS ? floor(ms) : 1;
  if (mapSize(timers) >= cell.maxTimers) {
    failForGood("timer_limit", "the script has more than " + toText(cell.maxTimers) + " timers");
  }
  ensureStack(); // its place in the heap, or none
  const timer = { __proto__: null, id: ++lastId, sequence: ++lastSequence, due: now() + delayMs, delayMs, callback, args, repeats };
  mapSet(timers, timer.id, timer);
  pushDue(timer);
  return timer.id;
}

function checked(name, callback) {
  if (typeof callback !== "function") throw new TypeErrorOf(name + "(callback, ms): the callback is a function");
}

export function setTimeout(callback, delay, ...args) {
  checked("setTimeout", callback);
  return schedule(callback, delay, args, false);
}

export function setInterval(callback, delay, ...args) {
  checked("setInterval", callback);
  return schedule(callback, delay, args, true);
}

export function clearTimeout(id) {
  const timer = typeof id === "number" || typeof id === "string" ? mapGet(timers, +id) : undefined;
  if (timer === undefined) return;
  mapDelete(timers, timer.id);
  timer.callback = timer.args = undefined;
  if (heap.length > 2 * mapSize(timers) + SPARE_CLEARED) dropCleared();
}

export function clearInterval(id) {
  clearTimeout(id);
}

export async function sleep(ms) {
  const delay = +ms;
  if (!(delay >= 0)) throw new RangeErrorOf("sleep(ms): a number of milliseconds, at least 0");
  const woken = new Deferred();
  schedule(woken.resolve, min(delay, MAX_DELAY_MS), list(), false);
  await woken.promise;
}

/** Milliseconds until the next timer, or -1 where there is none. */
export function untilNextTimer() {
  const timer = firstDue();
  return timer === undefined ? -1 : max(0, min(MAX_DELAY_MS, timer.due - now()));
}

/** Runs one timer that is due, if any. */
export function fireDueTimer() {
  const timer = firstDue();
  if (timer === undefined || timer.due > now() || cell.ended) return;
  popDue();
  if (timer.repeats) {
    timer.due = now() + timer.delayMs;
    timer.sequence = ++lastSequence;
    pushDue(timer);
  } else {
    mapDelete(timers, timer.id);
  }
  runCallback(timer.callback, undefined, timer.args);
}
