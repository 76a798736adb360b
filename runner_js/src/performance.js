// performance: the time since the script started.

import { TypeErrorOf } from "./primordials.js";
import { asInterface } from "./define.js";
import { sinceStart, timeOrigin } from "./timers.js";

const KEY = {};

class Performance {
  #isPerformance = true;

  constructor(key = undefined) {
    if (key !== KEY) throw new TypeErrorOf("Illegal constructor");
  }

  get timeOrigin() {
    this.#isPerformance; // throws for what is no Performance
    return timeOrigin();
  }

  now() {
    this.#isPerformance;
    return sinceStart();
  }

  toJSON() {
    this.#isPerformance;
    return { timeOrigin: timeOrigin() };
  }
}
asInterface(Performance, "Performance");

export const performance = new Performance(KEY);
