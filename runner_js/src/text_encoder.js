// TextEncoder.

import { TypeErrorOf, toWellFormed, typedArrayByteLength, typedArrayTag } from "./primordials.js";
import { asInterface } from "./define.js";
import { utf8Bytes, utf8Into } from "./utf8.js";

export class TextEncoder {
  #encoding = "utf-8";

  get encoding() {
    return this.#encoding;
  }

  encode(input = "") {
    this.#encoding; // throws for what is no TextEncoder
    return utf8Bytes(toWellFormed(`${input}`));
  }

  encodeInto(source, destination) {
    this.#encoding;
    if (typeof source !== "string") throw new TypeErrorOf("encodeInto(source, destination): the source is a string");
    if (typedArrayTag(destination) !== "Uint8Array") {
      throw new TypeErrorOf("encodeInto(source, destination): the destination is a Uint8Array");
    }
    return utf8Into(toWellFormed(source), destination, typedArrayByteLength(destination));
  }
}
asInterface(TextEncoder, "TextEncoder");
