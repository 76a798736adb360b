// Targets of events. They stand alone: nothing is captured, nothing bubbles.

import { MapOf, TypeErrorOf, apply, list, mapGet, mapSet } from "./primordials.js";
import { asInterface } from "./define.js";
import { runCallback } from "./callbacks.js";
import { DOMException } from "./dom_exception.js";
import { eventState } from "./event.js";

/** One callback at one target. */
class Listener {
  callback;
  isCapture;
  isOnce;
  isPassive;
  isRemoved = false;

  constructor(callback, options) {
    const isRecord = typeof options === "object" && options !== null;
    this.callback = callback;
    this.isCapture = isRecord ? !!options.capture : !!options;
    this.isOnce = isRecord && !!options.once;
    this.isPassive = isRecord && !!options.passive;
  }
}

const isSame = (one, other) => one.callback === other.callback && one.isCapture === other.isCapture;

/** False for nothing, which is allowed and never called. */
function isCallable(name, callback) {
  if (callback === null || callback === undefined) return false;
  if (typeof callback === "function" || typeof callback === "object") return true;
  throw new TypeErrorOf(name + "(type, listener): the listener is a function, or an object with handleEvent");
}

function signalOf(options) {
  const signal = typeof options === "object" && options !== null ? options.signal : undefined;
  if (signal === undefined || (typeof signal === "object" && signal !== null && "aborted" in signal)) return signal;
  throw new TypeErrorOf("addEventListener(type, listener, options): options.signal is an AbortSignal");
}

function callListener(listener, event, target) {
  const callback = listener.callback;
  if (typeof callback === "function") runCallback(callback, target, [event]);
  else runCallback(() => apply(callback.handleEvent, callback, [event]), undefined, []);
}

let readListeners;

export class EventTarget {
  /** The listeners of each type, in lists that are replaced and never changed. */
  #listeners = new MapOf();

  static {
    readListeners = (target) => target.#listeners;
  }

  addEventListener(type, callback, options = undefined) {
    if (arguments.length < 2) throw new TypeErrorOf("addEventListener(type, listener): an argument is missing");
    const listeners = this.#listeners;
    const signal = signalOf(options);
    const listener = new Listener(callback, options);
    if (!isCallable("addEventListener", callback) || signal?.aborted) return;
    const name = `${type}`;
    const before = mapGet(listeners, name) ?? list();
    const after = list();
    for (let i = 0; i < before.length; i++) {
      if (isSame(before[i], listener)) return;
      after[i] = before[i];
    }
    after[after.length] = listener;
    mapSet(listeners, name, after);
    if (signal !== undefined) signal.addEventListener("abort", () => remove(listeners, name, listener), { once: true });
  }

  removeEventListener(type, callback, options = undefined) {
    if (arguments.length < 2) throw new TypeErrorOf("removeEventListener(type, listener): an argument is missing");
    const listeners = this.#listeners;
    if (isCallable("removeEventListener", callback)) remove(listeners, `${type}`, new Listener(callback, options));
  }

  dispatchEvent(event) {
    readListeners(this); // throws for what is no target
    if (eventState(event) === undefined) throw new TypeErrorOf("dispatchEvent(event): the event is an Event");
    return dispatch(this, event);
  }
}
asInterface(EventTarget, "EventTarget");

function remove(listeners, name, gone) {
  const before = mapGet(listeners, name) ?? list();
  const after = list();
  for (let i = 0; i < before.length; i++) {
    if (isSame(before[i], gone)) before[i].isRemoved = true;
    else after[after.length] = before[i];
  }
  mapSet(listeners, name, after);
}

/** Calls the listeners that stand there now, in the order in which they came; false where one prevented the default. */
export function dispatch(target, event) {
  const state = eventState(event);
  if (state.isDispatched) throw new DOMException("The event is already being dispatched", "InvalidStateError");
  const listeners = readListeners(target);
  const found = mapGet(listeners, state.type) ?? list();
  state.isDispatched = true;
  state.target = target;
  try {
    for (let i = 0; i < found.length && !state.isStoppedAtOnce; i++) {
      const listener = found[i];
      if (listener.isRemoved) continue;
      if (listener.isOnce) remove(listeners, state.type, listener);
      state.isPassive = listener.isPassive;
      callListener(listener, event, target);
    }
  } finally { // where the stack ends, too
    state.isDispatched = state.isStopped = state.isStoppedAtOnce = state.isPassive = false;
  }
  return !state.isCanceled;
}
