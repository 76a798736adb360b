// AbortController and AbortSignal.

import {
  RangeErrorOf, TypeErrorOf, isFiniteNumber, list, min, setAdd, setForEach, toText,
} from "./primordials.js";
import { asInterface } from "./define.js";
import { runCallback } from "./callbacks.js";
import { DOMException } from "./dom_exception.js";
import { trustedEvent } from "./event.js";
import { EventTarget, dispatch } from "./event_target.js";
import { itemsOf } from "./iteration.js";
import { ensureStack } from "./ring.js";
import { makeSignal, signalState } from "./signals.js";
import { setTimeout } from "./timers.js";

const MAX_MS = 2 ** 32 - 1;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What only this file can give to the constructor. */
const KEY = {};

const isSignal = (value) => signalState(value) !== undefined;

function ownState(signal) {
  if (!isSignal(signal)) throw new TypeErrorOf("not an AbortSignal");
  return signalState(signal);
}

export class AbortSignal extends EventTarget {
  constructor(key = undefined) {
    if (key !== KEY) throw new TypeErrorOf("Illegal constructor");
    super();
    makeSignal(this);
  }

  static abort(reason = abortError()) {
    const signal = new AbortSignal(KEY);
    const state = signalState(signal);
    state.isAborted = true;
    state.reason = reason;
    return signal;
  }

  static timeout(ms) {
    if (typeof ms !== "number") throw new TypeErrorOf("AbortSignal.timeout(ms): a number of milliseconds");
    if (!isFiniteNumber(ms) || ms < 0 || ms > MAX_MS) {
      throw new RangeErrorOf("AbortSignal.timeout(ms): from 0 to 4294967295 milliseconds");
    }
    const signal = new AbortSignal(KEY);
    const expire = () => abort(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    setTimeout(expire, min(ms, LONGEST_TIMER_MS));
    return signal;
  }

  static any(signals) {
    const sources = itemsOf(signals);
    if (sources === undefined) throw new TypeErrorOf("AbortSignal.any(signals): an iterable of AbortSignals");
    for (let i = 0; i < sources.length; i++) {
      if (isSignal(sources[i])) continue;
      throw new TypeErrorOf("AbortSignal.any(signals): signals[" + toText(i) + "] is no AbortSignal");
    }
    const signal = new AbortSignal(KEY);
    for (let i = 0; i < sources.length; i++) {
      const state = signalState(sources[i]);
      if (!state.isAborted) continue;
      signalState(signal).isAborted = true;
      signalState(signal).reason = state.reason;
      return signal;
    }
    for (let i = 0; i < sources.length; i++) depend(signal, sources[i]);
    return signal;
  }

  get aborted() {
    return ownState(this).isAborted;
  }

  get reason() {
    return ownState(this).reason;
  }

  throwIfAborted() {
    if (ownState(this).isAborted) throw ownState(this).reason;
  }

  get onabort() {
    return ownState(this).onabort;
  }

  set onabort(handler) {
    const state = ownState(this);
    state.onabort = typeof handler === "function" || (typeof handler === "object" && handler !== null) ? handler : null;
    if (state.hasHandler || state.onabort === null) return;
    state.hasHandler = true; // it keeps the place among the listeners where it first stood
    this.addEventListener("abort", (event) => {
      if (typeof state.onabort === "function") runCallback(state.onabort, this, [event]);
    });
  }
}
asInterface(AbortSignal, "AbortSignal");

const abortError = () => new DOMException("This operation was aborted", "AbortError");

/** A signal that depends on another aborts with those on which that one depends. */
function depend(signal, source) {
  const state = signalState(signal);
  const direct = signalState(source);
  const origins = direct.sources.length > 0 ? direct.sources : [source];
  for (let i = 0; i < origins.length; i++) {
    state.sources[state.sources.length] = origins[i];
    setAdd(signalState(origins[i]).dependents, signal);
  }
}

/**
 * Aborts a signal and those that depend on it. All know it, and the runner has done what it does, before the first
 * listener is called.
 */
function abort(signal, reason) {
  if (signalState(signal).isAborted) return;
  ensureStack();
  const together = list();
  together[0] = signal;
  setForEach(signalState(signal).dependents, (dependent) => {
    if (!signalState(dependent).isAborted) together[together.length] = dependent;
  });
  for (let i = 0; i < together.length; i++) {
    const state = signalState(together[i]);
    state.isAborted = true;
    state.reason = reason;
  }
  for (let i = 0; i < together.length; i++) setForEach(signalState(together[i]).algorithms, (algorithm) => algorithm());
  for (let i = 0; i < together.length; i++) dispatch(together[i], trustedEvent("abort"));
}

export class AbortController {
  #signal = new AbortSignal(KEY);

  get signal() {
    return this.#signal;
  }

  abort(reason = abortError()) {
    abort(this.#signal, reason);
  }
}
asInterface(AbortController, "AbortController");
