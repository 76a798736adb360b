// An event. What it is and how far it has come is kept in a record that no script reaches.

import { TypeErrorOf } from "./primordials.js";
import { asInterface, constants } from "./define.js";
import { sinceStart } from "./timers.js";

const PHASES = { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 };

class EventState {
  type = "";
  bubbles = false;
  cancelable = false;
  composed = false;
  timeStamp = sinceStart();
  isTrusted = false;
  target = null;
  isDispatched = false;
  isCanceled = false;
  isStopped = false;
  isStoppedAtOnce = false;
  /** The listener that is being called has promised not to prevent the default. */
  isPassive = false;
}

let readState;

export class Event {
  #state = new EventState();

  static {
    readState = (event) => (#state in event ? event.#state : undefined);
  }

  constructor(type, options = undefined) {
    if (arguments.length === 0) throw new TypeErrorOf("new Event(type): the type is missing");
    if (typeof options !== "object" && options !== undefined) {
      throw new TypeErrorOf("new Event(type, options): options is an object");
    }
    const state = this.#state;
    state.type = `${type}`;
    state.bubbles = !!options?.bubbles;
    state.cancelable = !!options?.cancelable;
    state.composed = !!options?.composed;
  }

  get type() {
    return this.#state.type;
  }

  get target() {
    return this.#state.target;
  }

  get srcElement() {
    return this.#state.target;
  }

  get currentTarget() {
    return this.#state.isDispatched ? this.#state.target : null;
  }

  get eventPhase() {
    return this.#state.isDispatched ? PHASES.AT_TARGET : PHASES.NONE;
  }

  get bubbles() {
    return this.#state.bubbles;
  }

  get cancelable() {
    return this.#state.cancelable;
  }

  get composed() {
    return this.#state.composed;
  }

  get defaultPrevented() {
    return this.#state.isCanceled;
  }

  get returnValue() {
    return !this.#state.isCanceled;
  }

  set returnValue(value) {
    if (!value) cancel(this.#state);
  }

  get cancelBubble() {
    return this.#state.isStopped;
  }

  set cancelBubble(value) {
    if (value) this.#state.isStopped = true;
  }

  get timeStamp() {
    return this.#state.timeStamp;
  }

  get isTrusted() {
    return this.#state.isTrusted;
  }

  composedPath() {
    return this.#state.isDispatched ? [this.#state.target] : [];
  }

  preventDefault() {
    cancel(this.#state);
  }

  stopPropagation() {
    this.#state.isStopped = true;
  }

  stopImmediatePropagation() {
    this.#state.isStopped = this.#state.isStoppedAtOnce = true;
  }

  initEvent(type, bubbles = false, cancelable = false) {
    const state = this.#state;
    if (state.isDispatched) return;
    state.type = `${type}`;
    state.bubbles = !!bubbles;
    state.cancelable = !!cancelable;
  }
}
asInterface(Event, "Event");
constants(Event, PHASES);

function cancel(state) {
  if (state.cancelable && !state.isPassive) state.isCanceled = true;
}

/** The record of an event; undefined for any other value. */
export const eventState = (value) => (typeof value === "object" && value !== null ? readState(value) : undefined);

/** An event that no script made. */
export function trustedEvent(type) {
  const event = new Event(type);
  readState(event).isTrusted = true;
  return event;
}
