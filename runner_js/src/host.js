// Hosts: ASCII domains, IPv4 in all its spellings, IPv6, and those of schemes that we know nothing of.

import { CONTROLS, percentDecode, percentEncode } from "./percent.js";
import { Refusal, UnsupportedHost } from "./url_record.js";

const FORBIDDEN = /[\0\t\n\r #/:<>?@[\\\]^|]/;
const FORBIDDEN_IN_DOMAIN = /[\0-\x20#%/:<>?@[\\\]^|\x7f]/;
const DECIMAL_BYTE = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/;

/** A part of an IPv4 address: hexadecimal, octal or decimal; NaN for what is none. */
function ipv4Number(text) {
  if (/^0x[\da-f]*$/.test(text)) return text === "0x" ? 0 : parseInt(text, 16);
  if (/^0[0-7]*$/.test(text)) return parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
}

/** `1.2.3.4` for any spelling of it; the last part fills the bytes that are left. */
function ipv4Text(domain) {
  const bytes = domain.replace(/\.$/, "").split(".").map(ipv4Number);
  const last = bytes.pop();
  const isAddress = bytes.length <= 3 && bytes.every((byte) => byte <= 255) && last < 256 ** (4 - bytes.length);
  if (!isAddress) throw new Refusal();
  for (let exponent = 3 - bytes.length; exponent >= 0; exponent--) bytes.push(Math.floor(last / 256 ** exponent) % 256);
  return bytes.join(".");
}

/** The two 16-bit pieces of an IPv4 address at the end of an IPv6 one, where only the plain form is allowed. */
function embeddedIpv4(text) {
  const texts = text.split(".");
  if (texts.length !== 4 || !texts.every((byte) => DECIMAL_BYTE.test(byte))) throw new Refusal();
  const [a, b, c, d] = texts.map(Number);
  return [a * 256 + b, c * 256 + d];
}

/** The pieces of one side of `::`, or of an address without it. */
function ipv6Pieces(text, isEnd) {
  if (text === "") return [];
  const texts = text.split(":");
  return texts.flatMap((piece, index) => {
    if (isEnd && index === texts.length - 1 && piece.includes(".")) return embeddedIpv4(piece);
    if (!/^[\da-f]{1,4}$/i.test(piece)) throw new Refusal();
    return parseInt(piece, 16);
  });
}

function parseIpv6(text) {
  const sides = text.split("::");
  const pieces = sides.map((side, index) => ipv6Pieces(side, index === sides.length - 1));
  if (sides.length === 1 && pieces[0].length === 8) return pieces[0];
  const missing = sides.length === 2 ? 8 - pieces[0].length - pieces[1].length : 0;
  if (missing < 1) throw new Refusal();
  return [...pieces[0], ...Array(missing).fill(0), ...pieces[1]];
}

/** Where the first of the longest runs of two zeros or more begins, and its length. */
function longestZeros(pieces) {
  let longest = { start: pieces.length, length: 1 };
  for (let start = 0, end; start < pieces.length; start = end + 1) {
    for (end = start; pieces[end] === 0; end++);
    if (end - start > longest.length) longest = { start, length: end - start };
  }
  return longest;
}

function ipv6Text(pieces) {
  const zeros = longestZeros(pieces);
  const hex = (from, to) => pieces.slice(from, to).map((piece) => piece.toString(16)).join(":");
  if (zeros.length === 1) return hex();
  return hex(0, zeros.start) + "::" + hex(zeros.start + zeros.length);
}

function parseDomain(text) {
  const domain = percentDecode(text);
  if (/[^\0-\x7f]/.test(domain)) {
    throw new UnsupportedHost("Invalid URL: non-ASCII host names are not supported; write the punycode form (xn--…)");
  }
  if (domain === "" || FORBIDDEN_IN_DOMAIN.test(domain)) throw new Refusal();
  const lower = domain.toLowerCase();
  return ENDS_IN_NUMBER.test(lower) ? ipv4Text(lower) : lower;
}

/**
 * The host as a URL shows it. Labels in punycode pass as they are.
 *
 * Throws a Refusal for what is none.
 */
export function parseHost(text, special) {
  if (text.startsWith("[")) {
    if (!text.endsWith("]")) throw new Refusal();
    return "[" + ipv6Text(parseIpv6(text.slice(1, -1))) + "]";
  }
  if (special) return parseDomain(text);
  if (FORBIDDEN.test(text)) throw new Refusal();
  return percentEncode(text, CONTROLS);
}
