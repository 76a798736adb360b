// Which of the known names one may have meant who wrote another.

import { charCodeAt, floor, list, max, min, toLowerCase } from "./primordials.js";

const MAX_NAME_UNITS = 64;
const MAX_NAMES = 3;

/** How many letters must be added, removed, replaced or swapped to make one of the other; more than `most` for more. */
export function distance(one, other, most) {
  if (max(one.length, other.length) - min(one.length, other.length) > most) return most + 1;
  let before = list();
  let last = list();
  for (let j = 0; j <= other.length; j++) last[j] = j;
  for (let i = 1; i <= one.length; i++) {
    const row = list();
    row[0] = i;
    let least = i;
    for (let j = 1; j <= other.length; j++) {
      const isSame = charCodeAt(one, i - 1) === charCodeAt(other, j - 1);
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));
      const isSwap =
        i > 1 && j > 1 && charCodeAt(one, i - 1) === charCodeAt(other, j - 2) &&
        charCodeAt(one, i - 2) === charCodeAt(other, j - 1);
      if (isSwap) row[j] = min(row[j], before[j - 2] + 1);
      least = min(least, row[j]);
    }
    if (least > most) return most + 1;
    before = last;
    last = row;
  }
  return last[other.length];
}

/** How far a name of that length may be from the one that was meant. */
export const tolerance = (length) => max(1, min(5, floor(length / 3)));

/** The names that come near, at most three, the nearest first. */
export function nearest(name, names) {
  const found = list();
  if (name.length > MAX_NAME_UNITS) return found;
  const wanted = toLowerCase(name);
  const most = tolerance(name.length);
  const distances = list();
  for (let i = 0; i < names.length; i++) distances[i] = distance(wanted, toLowerCase(names[i]), most);
  for (let far = 0; far <= most; far++) {
    for (let i = 0; i < names.length && found.length < MAX_NAMES; i++) {
      if (distances[i] === far) found[found.length] = names[i];
    }
  }
  return found;
}

/** `; did you mean "a" or "b"?` of some names; nothing of none. */
export function suggestion(names) {
  let text = "";
  for (let i = 0; i < names.length; i++) text += (i === 0 ? "; did you mean " : " or ") + '"' + names[i] + '"';
  return text === "" ? "" : text + "?";
}
