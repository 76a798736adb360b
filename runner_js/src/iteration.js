// Reading what a script gives to be gone through.

import { ITERATOR, TypeErrorOf, apply, list } from "./primordials.js";

/** All that an iterable gives, in its order; undefined for what is no iterable. Runs the iterable's own code. */
export function itemsOf(iterable) {
  if (iterable === undefined || iterable === null) return undefined;
  const begin = iterable[ITERATOR];
  if (typeof begin !== "function") return undefined;
  const iterator = apply(begin, iterable, []);
  const next = iterator.next;
  const items = list();
  for (;;) {
    const step = apply(next, iterator, []);
    if (typeof step !== "object" || step === null) throw new TypeErrorOf("an iterator's next() gives an object");
    if (step.done) return items;
    items[items.length] = step.value;
  }
}
