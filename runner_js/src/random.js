// Random bytes for `crypto`: ChaCha20 under a key of 32 bytes that the host gives each cell. The key and the state are
// out of reach of a script.

import { Bytes, Words, charCodeAt, typedArrayLength } from "./primordials.js";
import { cell } from "./cell.js";

const KEY_BYTES = 32;
const DOUBLE_ROUNDS = 10;
const BLOCK_BYTES = 64;

const state = new Words(16);
// "expand 32-byte k"
state[0] = 0x61707865;
state[1] = 0x3320646e;
state[2] = 0x79622d32;
state[3] = 0x6b206574;
const COUNTER = 12;

const mixed = new Words(16);
const block = new Bytes(BLOCK_BYTES);
let used = BLOCK_BYTES;

const hexDigit = (unit) => (unit < 0x3a ? unit - 0x30 : unit - 0x57);

for (let byte = 0; byte < KEY_BYTES; byte++) {
  const value = (hexDigit(charCodeAt(cell.seed, 2 * byte)) << 4) | hexDigit(charCodeAt(cell.seed, 2 * byte + 1));
  state[4 + (byte >> 2)] |= value << (8 * (byte & 3));
}

function mix(a, b, value, by) {
  // adds b to a, and turns what `value` holds with a by so many bits
  mixed[a] += mixed[b];
  const turned = mixed[value] ^ mixed[a];
  mixed[value] = (turned << by) | (turned >>> (32 - by));
}

function quarterRound(a, b, c, d) {
  mix(a, b, d, 16);
  mix(c, d, b, 12);
  mix(a, b, d, 8);
  mix(c, d, b, 7);
}

function nextBlock() {
  for (let i = 0; i < 16; i++) mixed[i] = state[i];
  for (let round = 0; round < DOUBLE_ROUNDS; round++) {
    quarterRound(0, 4, 8, 12);
    quarterRound(1, 5, 9, 13);
    quarterRound(2, 6, 10, 14);
    quarterRound(3, 7, 11, 15);
    quarterRound(0, 5, 10, 15);
    quarterRound(1, 6, 11, 12);
    quarterRound(2, 7, 8, 13);
    quarterRound(3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) {
    const word = mixed[i] + state[i];
    for (let byte = 0; byte < 4; byte++) block[i * 4 + byte] = word >>> (8 * byte);
  }
  state[COUNTER] += 1;
  if (state[COUNTER] === 0) state[COUNTER + 1] += 1;
  used = 0;
}

/** Fills the bytes; none is ever given twice. */
export function fillRandom(bytes) {
  const length = typedArrayLength(bytes);
  for (let i = 0; i < length; i++) {
    if (used === BLOCK_BYTES) nextBlock();
    bytes[i] = block[used++];
  }
}
