// atob and btoa: base64 of text whose characters are bytes.

import { TypeErrorOf, charCodeAt, list } from "./primordials.js";
import { DOMException } from "./dom_exception.js";
import { TextBuilder } from "./text_builder.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 0x3d;
const SPACE = -2;
/** What each character stands for: six bits, SPACE, or -1 for what has no place in base64. */
const SEXTETS = list();
for (let unit = 0; unit < 128; unit++) SEXTETS[unit] = ALPHABET.indexOf(String.fromCharCode(unit));
for (const unit of [0x09, 0x0a, 0x0c, 0x0d, 0x20]) SEXTETS[unit] = SPACE;

const invalid = (message) => new DOMException(message, "InvalidCharacterError");

export function btoa(data) {
  if (arguments.length === 0) throw new TypeErrorOf("btoa(data): the data is missing");
  const text = `${data}`;
  const builder = new TextBuilder(text.length * 2);
  const byteAt = (index) => {
    const unit = index < text.length ? charCodeAt(text, index) : 0;
    if (unit > 0xff) throw invalid("btoa(data): a character beyond U+00FF");
    return unit;
  };
  const add = (sextet) => builder.add(charCodeAt(ALPHABET, sextet));
  for (let i = 0; i < text.length; i += 3) {
    const bits = (byteAt(i) << 16) | (byteAt(i + 1) << 8) | byteAt(i + 2);
    const left = text.length - i;
    add(bits >> 18);
    add((bits >> 12) & 0x3f);
    if (left > 1) add((bits >> 6) & 0x3f);
    else builder.add(PADDING);
    if (left > 2) add(bits & 0x3f);
    else builder.add(PADDING);
  }
  return builder.finish();
}

export function atob(data) {
  if (arguments.length === 0) throw new TypeErrorOf("atob(data): the data is missing");
  const text = `${data}`;
  const builder = new TextBuilder(text.length);
  let bits = 0;
  let sextets = 0;
  let padding = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    const sextet = unit < 128 ? SEXTETS[unit] : -1;
    if (sextet === SPACE) continue;
    if (unit === PADDING) {
      padding += 1;
      continue;
    }
    if (sextet < 0 || padding > 0) throw invalid("atob(data): a character that is not of base64");
    bits = (bits << 6) | sextet;
    sextets += 1;
    if (sextets % 4 !== 0) continue;
    builder.add((bits >> 16) & 0xff);
    builder.add((bits >> 8) & 0xff);
    builder.add(bits & 0xff);
    bits = 0;
  }
  const left = sextets % 4;
  // Padding may be left out, but not in part, and one sextet is no byte.
  if (left === 1 || padding > 2 || (padding > 0 && left + padding !== 4)) throw invalid("atob(data): not correctly padded");
  if (left === 2) builder.add((bits >> 4) & 0xff);
  if (left === 3) {
    builder.add((bits >> 10) & 0xff);
    builder.add((bits >> 2) & 0xff);
  }
  return builder.finish();
}
