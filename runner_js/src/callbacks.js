// Callbacks of the script that the runner calls: a throw in one fails the cell, and so does a promise that it gives.

import { TypeErrorOf, apply } from "./primordials.js";
import { fail } from "./failure.js";

async function watch(result) {
  try {
    await result;
  } catch (thrown) {
    fail(thrown);
  }
}

export function runCallback(callback, self, args) {
  try {
    const result = apply(callback, self, args);
    if (typeof result === "object" && result !== null) watch(result);
  } catch (thrown) {
    fail(thrown);
  }
}

async function runLater(callback) {
  await undefined;
  runCallback(callback, undefined, []);
}

export function queueMicrotask(callback) {
  if (typeof callback !== "function") throw new TypeErrorOf("queueMicrotask(callback): the callback is a function");
  runLater(callback);
}
