// crypto.randomUUID and crypto.getRandomValues.

import { Bytes, TypeErrorOf, charCodeAt, typedArrayByteLength, typedArrayTag } from "./primordials.js";
import { asInterface } from "./define.js";
import { bytesOf } from "./bytes.js";
import { DOMException } from "./dom_exception.js";
import { fillRandom } from "./random.js";
import { TextBuilder } from "./text_builder.js";

const MAX_BYTES = 65_536;
const INTEGERS = {
  __proto__: null, Int8Array: true, Uint8Array: true, Uint8ClampedArray: true, Int16Array: true, Uint16Array: true,
  Int32Array: true, Uint32Array: true, BigInt64Array: true, BigUint64Array: true,
};
const HEX = "0123456789abcdef";
const HYPHEN = 0x2d;

/** What only this file can give to the constructor. */
const KEY = {};

class Crypto {
  #isCrypto = true;

  constructor(key = undefined) {
    if (key !== KEY) throw new TypeErrorOf("Illegal constructor");
  }

  getRandomValues(array) {
    this.#isCrypto; // throws for what is no Crypto
    if (INTEGERS[typedArrayTag(array)] !== true) {
      throw new DOMException("getRandomValues(array): a typed array of integers", "TypeMismatchError");
    }
    if (typedArrayByteLength(array) > MAX_BYTES) {
      throw new DOMException("getRandomValues(array): at most 65,536 bytes", "QuotaExceededError");
    }
    fillRandom(bytesOf(array));
    return array;
  }

  randomUUID() {
    this.#isCrypto;
    const bytes = new Bytes(16);
    fillRandom(bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const builder = new TextBuilder(36);
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) builder.add(HYPHEN);
      builder.add(charCodeAt(HEX, bytes[i] >> 4));
      builder.add(charCodeAt(HEX, bytes[i] & 0x0f));
    }
    return builder.finish();
  }
}
asInterface(Crypto, "Crypto");

export const crypto = new Crypto(KEY);
