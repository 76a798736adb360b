// What a script says about its own run.

import { TypeErrorOf, isFiniteNumber, floor, min, toText } from "./primordials.js";
import { cell } from "./cell.js";
import { KIND, put } from "./ring.js";
import { admit } from "./output.js";
import { render } from "./render.js";

const MAX_SETTING = 2 ** 31 - 1;

function amount(name, value) {
  if (typeof value !== "number" || !isFiniteNumber(value) || value < 0) {
    throw new TypeErrorOf(name + ": a number, at least 0");
  }
  return toText(min(MAX_SETTING, floor(value)));
}

function say(kind, text) {
  if (!cell.ended) put(kind, text);
}

export function yield_control() {
  say(KIND.YIELD, "");
}

export function set_yield_time(ms) {
  say(KIND.YIELD_TIME, amount("set_yield_time(ms)", ms));
}

export function set_max_output_tokens_per_exec_call(tokens) {
  say(KIND.OUTPUT_BUDGET, amount("set_max_output_tokens_per_exec_call(n)", tokens));
}

/** A note counts as output: it has to be bounded too. */
export function notify(value) {
  const text = render(value);
  if (admit(text.length)) put(KIND.NOTE, text);
}
