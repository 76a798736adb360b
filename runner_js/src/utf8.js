// Text as UTF-8.

import { Bytes, charCodeAt } from "./primordials.js";

const isSurrogate = (unit) => unit >= 0xd800 && unit <= 0xdfff;

/** The length of a well-formed text in UTF-8. */
export function utf8Length(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    if (unit > 0x7f) bytes += unit > 0x7ff && !isSurrogate(unit) ? 2 : 1;
  }
  return bytes;
}

/** Writes as many whole characters of a well-formed text as there is room for: {read, written}, units and bytes. */
export function utf8Into(text, bytes, room) {
  let read = 0;
  let written = 0;
  while (read < text.length) {
    let point = charCodeAt(text, read);
    const units = isSurrogate(point) ? 2 : 1;
    if (units === 2) point = 0x10000 + ((point & 0x3ff) << 10) + (charCodeAt(text, read + 1) & 0x3ff);
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : units === 1 ? 3 : 4;
    if (written + size > room) break;
    if (size === 1) {
      bytes[written] = point;
    } else {
      for (let i = size - 1; i > 0; i--, point >>= 6) bytes[written + i] = 0x80 | (point & 0x3f);
      bytes[written] = ((0xf00 >> size) & 0xff) | point;
    }
    read += units;
    written += size;
  }
  return { read, written };
}

/** A well-formed text in UTF-8. */
export function utf8Bytes(text) {
  const length = utf8Length(text);
  const bytes = new Bytes(length);
  utf8Into(text, bytes, length);
  return bytes;
}
