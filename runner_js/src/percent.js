// Percent-encoding, and back, by the URL standard: which characters each part of a URL cannot hold as they are.
// Every text here is well-formed.

/** Each set has the C0 controls and all that lies beyond `~`. */
const encodeSet = (others) => new RegExp(`[\\0-\\x1f\\x7f-\\u{10ffff}${others}]`, "gu");

export const CONTROLS = encodeSet("");
export const FRAGMENT = encodeSet(" \"<>`");
export const QUERY = encodeSet(" \"#<>");
export const SPECIAL_QUERY = encodeSet(" \"#<>'");
export const PATH = encodeSet(" \"#<>?^`{}");
export const USERINFO = encodeSet(" \"#<>?^`{}/:;=@[\\\\\\]|");
export const FORM = /[^\w*.-]/gu;

function encoded(character) {
  const escape = encodeURIComponent(character);
  return escape === character ? "%" + character.charCodeAt(0).toString(16).toUpperCase() : escape;
}

/** The text with the UTF-8 bytes of each character in `set` as `%XX`. */
export function percentEncode(text, set) {
  return text.replace(set, encoded);
}

/** A character in UTF-8, or as much of one as there is, which becomes one U+FFFD; each other byte becomes one too. */
const SEQUENCE = new RegExp(
  "%[0-7].|%(?:c[2-9a-f]|d.)(?:%[89ab].)?|%e(?!0%[89]|d%[ab]).(?:%[89ab].){0,2}"
    + "|%f(?!0%8|4%[9ab])[0-4](?:%[89ab].){0,3}|%..",
  "gi",
);

function decodedSequence(escape) {
  try {
    return decodeURIComponent(escape);
  } catch {
    return "\ufffd";
  }
}

/** Runs of `%XX` read as UTF-8; what is none becomes U+FFFD. A byte order mark is a character like any other. */
export function percentDecode(text) {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => run.replace(SEQUENCE, decodedSequence));
}
