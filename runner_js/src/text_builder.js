// A text of any length from its UTF-16 units.

import { Units, apply, fromCharCode, min } from "./primordials.js";

const CHUNK_UNITS = 4096;

export class TextBuilder {
  #text = "";
  #units;
  #room;
  #count = 0;

  /** `expected`: how many units the text will have, about. */
  constructor(expected) {
    this.#room = min(CHUNK_UNITS, expected + 1);
    this.#units = new Units(this.#room);
  }

  add(unit) {
    if (this.#count === this.#room) this.#flush(this.#units);
    this.#units[this.#count++] = unit;
  }

  addPoint(point) {
    if (point > 0xffff) {
      this.add(0xd7c0 + (point >> 10));
      this.add(0xdc00 | (point & 0x3ff));
    } else {
      this.add(point);
    }
  }

  #flush(units) {
    this.#text += apply(fromCharCode, undefined, units);
    this.#count = 0;
  }

  /** The text so far. */
  finish() {
    const count = this.#count;
    const rest = new Units(count);
    for (let i = 0; i < count; i++) rest[i] = this.#units[i];
    this.#flush(rest);
    return this.#text;
  }
}
