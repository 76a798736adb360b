// What the runner knows of a script's abort signals: whether they have aborted, and what is to be done when they do. A
// script can neither see this nor keep it from being done.

import { SetOf, WeakMapOf, list, setAdd, setDelete, weakGet, weakSet } from "./primordials.js";

class SignalState {
  isAborted = false;
  reason = undefined;
  /** What is called when the signal aborts, before any listener. */
  algorithms = new SetOf();
  /** The signals that abort with this one, and those with which it aborts: these depend on no other. */
  dependents = new SetOf();
  sources = list();
  onabort = null;
  /** `onabort` has its place among the listeners. */
  hasHandler = false;
}

const states = new WeakMapOf();

/** Makes an object a signal. */
export const makeSignal = (object) => weakSet(states, object, new SignalState());

/** The state of a signal; undefined for any other value. */
export const signalState = (value) => weakGet(states, value);

export const addAlgorithm = (signal, algorithm) => setAdd(signalState(signal).algorithms, algorithm);

export const removeAlgorithm = (signal, algorithm) => setDelete(signalState(signal).algorithms, algorithm);
