// Promises for the runner's own use: out of reach of a script, whatever it does to Promise.prototype.

import { PromiseOf, RangeErrorOf, defineProperty, freeze, setPrototypeOf } from "./primordials.js";

/** A promise that a script never sees. Its prototype is its own, so that `await` finds V8's `constructor` there. */
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

/** An inner promise, and the function that fulfils it. */
export class Deferred {
  resolve = undefined;
  promise = new InnerPromise((resolve) => {
    this.resolve = resolve;
  });

  constructor() {
    // Where the stack ends in the executor, Promise keeps the RangeError to itself.
    if (this.resolve === undefined) throw new RangeErrorOf("Maximum call stack size exceeded");
  }
}
