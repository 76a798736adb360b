// How console methods read: the first value may be a format, as in node (%s %d %i %f %j %o %O %c %%).

import { indexOf, parseDecimal, slice, stringify, toNumber, toText, truncate } from "./primordials.js";
import { inspect, lostInJson } from "./render.js";

/** A value by itself: a string as it is, anything else as a person would write it. */
export const shown = (value) => (typeof value === "string" ? value : inspect(value));

/** A number out of a value; runs none of the script's code. */
function numberText(value, read) {
  if (typeof value === "bigint") return inspect(value);
  const isOpaque = typeof value === "symbol" || typeof value === "function" || typeof value === "object";
  if (isOpaque && value !== null) return "NaN";
  return inspect(read(value));
}

const wholeNumber = (value) => truncate(parseDecimal(toText(value)));
const decimalNumber = (value) => parseDecimal(toText(value));

function jsonText(value) {
  const lost = lostInJson(value, false);
  return lost === undefined ? toText(stringify(value)) : inspect(value);
}

/** What a letter of a format makes of a value; undefined for a letter that has no meaning. */
function formatted(letter, value) {
  switch (letter) {
    case "s":
      return shown(value);
    case "d":
      return numberText(value, toNumber);
    case "i":
      return numberText(value, wholeNumber);
    case "f":
      return numberText(value, decimalNumber);
    case "j":
      return jsonText(value);
    case "o":
    case "O":
      return inspect(value);
    case "c":
      return "";
    default:
      return undefined;
  }
}

/** The values as one text. */
export function format(values) {
  const first = values[0];
  let used = 0;
  let text = "";
  if (typeof first === "string" && values.length > 1) {
    used = 1;
    let start = 0;
    for (let at = indexOf(first, "%"); at >= 0 && at + 1 < first.length; at = indexOf(first, "%", at)) {
      const letter = first[at + 1];
      const part = letter === "%" ? "%" : used < values.length ? formatted(letter, values[used]) : undefined;
      at += 2;
      if (part === undefined) continue;
      if (letter !== "%") used += 1;
      text += slice(first, start, at - 2) + part;
      start = at;
    }
    text += slice(first, start);
  }
  for (; used < values.length; used++) text += (used === 0 ? "" : " ") + shown(values[used]);
  return text;
}
