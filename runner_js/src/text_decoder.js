// TextDecoder: UTF-8, UTF-16LE, and windows-1252, which is what the web means by latin1 and ascii.

import { Bytes, RangeErrorOf, TypeErrorOf, charCodeAt, slice, toLowerCase, typedArrayLength } from "./primordials.js";
import { asInterface, codedError } from "./define.js";
import { bytesOf } from "./bytes.js";
import { TextBuilder } from "./text_builder.js";

const REPLACEMENT = 0xfffd;
const BYTE_ORDER_MARK = 0xfeff;
/** The characters of windows-1252 that are not those of Unicode, from 0x80. */
const WINDOWS_1252 =
  "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
  "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";

// Each decoder takes bytes piece by piece: `decode(bytes, add, bad)` calls `add` with each code point and `bad` for what
// is none, and `end(bad)` after the last piece.

class Utf8 {
  static encoding = "utf-8";
  #point = 0;
  #needed = 0;
  /** What the next byte may be: the first continuation of some leads is narrower. */
  #least = 0x80;
  #most = 0xbf;

  decode(bytes, add, bad) {
    const length = typedArrayLength(bytes);
    for (let i = 0; i < length; i++) {
      const byte = bytes[i];
      if (this.#needed === 0) {
        if (byte < 0x80) add(byte);
        else if (byte >= 0xc2 && byte <= 0xf4) this.#lead(byte);
        else bad();
      } else if (byte < this.#least || byte > this.#most) {
        this.#reset();
        bad();
        i -= 1; // it may begin a character
      } else {
        this.#least = 0x80;
        this.#most = 0xbf;
        this.#point = (this.#point << 6) | (byte & 0x3f);
        this.#needed -= 1;
        if (this.#needed === 0) add(this.#point);
      }
    }
  }

  #lead(byte) {
    this.#needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.#point = byte & (0x3f >> this.#needed);
    this.#least = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.#most = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  }

  #reset() {
    this.#needed = 0;
    this.#least = 0x80;
    this.#most = 0xbf;
  }

  end(bad) {
    if (this.#needed > 0) bad();
  }
}

class Utf16 {
  static encoding = "utf-16le";
  #low = -1;
  #high = -1;

  decode(bytes, add, bad) {
    const length = typedArrayLength(bytes);
    for (let i = 0; i < length; i++) {
      if (this.#low < 0) {
        this.#low = bytes[i];
        continue;
      }
      const unit = this.#low | (bytes[i] << 8);
      this.#low = -1;
      const isTrail = unit >= 0xdc00 && unit <= 0xdfff;
      if (this.#high >= 0) {
        const high = this.#high;
        this.#high = -1;
        if (isTrail) {
          add(0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
          continue;
        }
        bad();
      }
      if (isTrail) bad();
      else if (unit >= 0xd800 && unit <= 0xdbff) this.#high = unit;
      else add(unit);
    }
  }

  end(bad) {
    if (this.#low >= 0 || this.#high >= 0) bad();
  }
}

class Windows1252 {
  static encoding = "windows-1252";

  decode(bytes, add) {
    const length = typedArrayLength(bytes);
    for (let i = 0; i < length; i++) {
      const byte = bytes[i];
      add(byte >= 0x80 && byte < 0xa0 ? charCodeAt(WINDOWS_1252, byte - 0x80) : byte);
    }
  }

  end() {}
}

/** Every label by which the web knows the three. */
const DECODERS = { __proto__: null };
for (const [Decoder, labels] of [
  [Utf8, "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8"],
  [Utf16, "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le"],
  [
    Windows1252,
    "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 " +
      "iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
  ],
]) {
  for (const label of labels.split(" ")) DECODERS[label] = Decoder;
}

const isSpace = (unit) => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09 || unit === 0x0c;

function trimmed(text) {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(charCodeAt(text, start))) start += 1;
  while (end > start && isSpace(charCodeAt(text, end - 1))) end -= 1;
  return slice(text, start, end);
}

export class TextDecoder {
  #Decoder;
  #fatal;
  #ignoreBOM;
  #decoder = undefined;
  /** The next byte order mark stands at the beginning of a text. */
  #isAtStart = true;

  constructor(label = "utf-8", options = undefined) {
    const Decoder = DECODERS[toLowerCase(trimmed(`${label}`))];
    if (Decoder === undefined) {
      const rule = "TextDecoder knows utf-8, utf-16le and windows-1252 (latin1, ascii), not ";
      throw codedError(RangeErrorOf, "ERR_ENCODING_NOT_SUPPORTED", rule + slice(`${label}`, 0, 100));
    }
    if (typeof options !== "object" && options !== undefined) {
      throw new TypeErrorOf("new TextDecoder(label, options): options is an object");
    }
    this.#Decoder = Decoder;
    this.#fatal = !!options?.fatal;
    this.#ignoreBOM = !!options?.ignoreBOM;
  }

  get encoding() {
    return this.#Decoder.encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = undefined, options = undefined) {
    const Decoder = this.#Decoder;
    const bytes = input === undefined ? new Bytes(0) : bytesOf(input);
    if (bytes === undefined) throw new TypeErrorOf("decode(input): an ArrayBuffer, a typed array or a DataView");
    if (this.#decoder === undefined) this.#isAtStart = true;
    const decoder = this.#decoder ?? new Decoder();
    const streams = !!options?.stream;
    this.#decoder = streams ? decoder : undefined;
    const builder = new TextBuilder(typedArrayLength(bytes));
    const keepsMark = this.#ignoreBOM || Decoder === Windows1252;
    const add = (point) => {
      const isMark = this.#isAtStart && point === BYTE_ORDER_MARK && !keepsMark;
      this.#isAtStart = false;
      if (!isMark) builder.addPoint(point);
    };
    const bad = () => {
      if (this.#fatal) {
        const message = "The encoded data was not valid for encoding " + Decoder.encoding;
        throw codedError(TypeErrorOf, "ERR_ENCODING_INVALID_ENCODED_DATA", message);
      }
      add(REPLACEMENT);
    };
    decoder.decode(bytes, add, bad);
    if (!streams) decoder.end(bad);
    return builder.finish();
  }
}
asInterface(TextDecoder, "TextDecoder");
