// What the methods of URL and URLSearchParams do with what a script gives them.

import { codedError } from "./define.js";

/** The text that a value stands for, each lone surrogate replaced. */
export const textOf = (value) => `${value}`.toWellFormed();

/** Throws where fewer values are `given` than a method needs. */
export function requireArguments(given, ...names) {
  if (given >= names.length) return;
  const listed = names.map((name) => `"${name}"`).join(" and ");
  const noun = names.length === 1 ? "argument" : "arguments";
  throw codedError(TypeError, "ERR_MISSING_ARGS", `The ${listed} ${noun} must be specified`);
}
