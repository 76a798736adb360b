// as_settled: the outcomes of promises, in the order in which they come.

import { TypeErrorOf, list } from "./primordials.js";
import { Deferred } from "./inner_promise.js";
import { itemsOf } from "./iteration.js";

/** What has settled and was not taken yet, and who waits for the next. */
class Outcomes {
  ready = list();
  taken = 0;
  arrival = undefined;

  add(outcome) {
    this.ready[this.ready.length] = outcome;
    const arrival = this.arrival;
    this.arrival = undefined;
    if (arrival !== undefined) arrival.resolve();
  }

  async watch(index, item) {
    try {
      const value = await item;
      this.add({ index, status: "fulfilled", value });
    } catch (reason) {
      this.add({ index, status: "rejected", reason });
    }
  }

  async *take(count) {
    for (; this.taken < count; this.taken++) {
      if (this.taken === this.ready.length) {
        this.arrival = new Deferred();
        await this.arrival.promise;
      }
      const outcome = this.ready[this.taken];
      this.ready[this.taken] = undefined;
      yield outcome;
    }
  }
}

/** Async iteration over {index, status, value} or {index, status, reason}; all are awaited from now on. */
export function as_settled(iterable) {
  const items = itemsOf(iterable);
  if (items === undefined) throw new TypeErrorOf("as_settled(iterable): an iterable of promises");
  const outcomes = new Outcomes();
  for (let i = 0; i < items.length; i++) outcomes.watch(i, items[i]);
  return outcomes.take(items.length);
}
