// The ring carries everything out of the engine, in order: a stream of UTF-16 units in shared memory, read without
// entering V8. The payload is written first and the head published last, so the reader never sees half a record that it
// takes for whole. Nothing of a script ever holds the shared buffer.
//
// A record is [kind, length low, length high, …payload]. One that is longer than the free room streams through it.
//
// A script may call the runner where its stack has no room left, and catch the RangeError. A record is then either
// whole or not there: one that fits is taken back, one that would stream is not begun.

import {
  Counters, SharedBytes, Units, atomicLoad, atomicStore, atomicWait, charCodeAt, toWellFormed,
} from "./primordials.js";

/** What the wire carries of one text, whatever the limits say: `MAX_CHARACTERS` of `codemode/wire/sizes.py`, and less. */
export const MAX_TEXT_UNITS = 20 * 1024 * 1024;

export const RING_UNITS = 1 << 20;
const MASK = RING_UNITS - 1;
const HEAD = 0; // units ever written, modulo 2^32
const TAIL = 1; // units ever read, modulo 2^32
const PARK = 2; // never changes: what `park` waits on
const COUNTER_BYTES = 16;
const HEADER_UNITS = 3;

/** What the records are. `codemode/engine/records.py` reads them by the same numbers; a test compares the two. */
export const KIND = {
  __proto__: null,
  TEXT: 1,
  ITEM: 2,
  CALL: 3,
  CANCEL: 4,
  STORE: 5,
  UNSET: 6,
  LOG: 7,
  NOTE: 8,
  YIELD: 9,
  YIELD_TIME: 10,
  OUTPUT_BUDGET: 11,
  FAILING: 12,
  COMPLETED: 13,
  FAILED: 14,
};

export const ringBuffer = new SharedBytes(COUNTER_BYTES + RING_UNITS * 2);
const counters = new Counters(ringBuffer, 0, COUNTER_BYTES / 4);
const units = new Units(ringBuffer, COUNTER_BYTES);

let head = 0;
/** Units that may be written before the tail has to be read again; 0 is always safe. */
let room = RING_UNITS;

/** Waits until the reader has made room. Python cannot notify a waiter, so this looks again every millisecond. */
function makeRoom() {
  atomicStore(counters, HEAD, head);
  for (;;) {
    const tail = atomicLoad(counters, TAIL);
    room = RING_UNITS - ((head - tail) | 0);
    if (room > 0) return;
    atomicWait(counters, TAIL, tail, 1);
  }
}

function putUnit(unit) {
  if (room === 0) makeRoom();
  units[head & MASK] = unit;
  head = (head + 1) | 0;
  room -= 1;
}

function putText(text) {
  const length = text.length;
  let at = 0;
  while (at < length) {
    if (room === 0) makeRoom();
    const end = length - at < room ? length : at + room;
    const count = end - at;
    for (; at < end; at++) {
      units[head & MASK] = charCodeAt(text, at);
      head = (head + 1) | 0;
    }
    room -= count;
  }
}

function putHeader(kind, length) {
  putUnit(kind);
  putUnit(length & 0xffff);
  putUnit(length >>> 16);
}

const publish = () => atomicStore(counters, HEAD, head);

const SPARE_FRAMES = 400;
/** Fewer than the others: what has ensured these puts its records whole, the long ones too. */
const STREAM_FRAMES = 200;

/** Throws V8's RangeError now, where the stack has no room for what is to be done in one piece. */
export function ensureStack(frames = SPARE_FRAMES) {
  return frames === 0 ? 0 : 1 + ensureStack(frames - 1);
}

/** One record of one text. It is made well-formed here: the reader takes a microsecond for each lone surrogate. */
export function put(kind, given) {
  const text = toWellFormed(given);
  const start = head;
  const streams = HEADER_UNITS + text.length > room;
  if (streams) ensureStack(STREAM_FRAMES);
  try {
    putHeader(kind, text.length);
    putText(text);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** One record of two texts: [length low, length high, …first, …second]. */
export function putPair(kind, first, given) {
  const second = toWellFormed(given);
  const length = 2 + first.length + second.length;
  const start = head;
  const streams = HEADER_UNITS + length > room;
  if (streams) ensureStack(STREAM_FRAMES);
  try {
    putHeader(kind, length);
    putUnit(first.length & 0xffff);
    putUnit(first.length >>> 16);
    putText(first);
    putText(second);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** One call: [id low, id high, 1 if a signal may abort it, length of the tool's name, …name, …arguments]. */
export function putCall(id, tool, argumentsText, abortable) {
  const length = 4 + tool.length + argumentsText.length;
  const start = head;
  const streams = HEADER_UNITS + length > room;
  if (streams) ensureStack(STREAM_FRAMES);
  try {
    putHeader(KIND.CALL, length);
    putUnit(id & 0xffff);
    putUnit(id >>> 16);
    putUnit(abortable ? 1 : 0);
    putUnit(tool.length);
    putText(tool);
    putText(argumentsText);
    publish();
  } catch (error) {
    if (!streams) {
      head = start;
      room = 0;
    }
    throw error;
  }
}

/** Stops the engine's thread for good: nothing of the script runs any more, no `finally`, no other callback. */
export function park() {
  for (;;) atomicWait(counters, PARK, 0);
}
