// What the model sees: text, images, audio and content blocks, in the order in which the script emitted them.

import {
  TypeErrorOf, bare, charCodeAt, hasOwn, isArray, max, objectKeys, parse, slice, stringify, toLowerCase, toText,
} from "./primordials.js";
import { cell } from "./cell.js";
import { failForGood } from "./failure.js";
import { KIND, MAX_TEXT_UNITS, put, putPair } from "./ring.js";
import { render } from "./render.js";

/** Arrays and objects of a content block within each other. */
const MAX_BLOCK_DEPTH = 128;

let units = 0;
let items = 0;

/** True where one more item or note may be emitted; over a limit the cell ends here. */
export function admit(length) {
  if (cell.ended) return false;
  units += length;
  items += 1;
  if (units > cell.maxOutputUnits) {
    failForGood("output_limit", "the script's output is longer than " + toText(cell.maxOutputUnits) + " characters");
  }
  if (length > MAX_TEXT_UNITS) {
    failForGood("output_limit", "one item is longer than " + toText(MAX_TEXT_UNITS) + " characters");
  }
  if (items > cell.maxOutputItems) {
    failForGood("output_limit", "the script emitted more than " + toText(cell.maxOutputItems) + " items");
  }
  return true;
}

export function output_text(value) {
  const text = render(value);
  if (admit(text.length)) put(KIND.TEXT, text);
}

function emitBody(kind, body) {
  if (admit(body.length)) putPair(KIND.ITEM, kind, body);
}

const emitItem = (kind, item) => emitBody(kind, stringify(item));

const isRecord = (value) => typeof value === "object" && value !== null && !isArray(value);

function dataUrl(block, kind) {
  if (typeof block.data !== "string" || typeof block.mimeType !== "string") {
    throw new TypeErrorOf(kind + ": an MCP block has `data` (base64 text) and `mimeType`");
  }
  return "data:" + block.mimeType + ";base64," + block.data;
}

const startsWithAny = (text, prefixes) => {
  for (let i = 0; i < prefixes.length; i++) {
    if (toLowerCase(slice(text, 0, prefixes[i].length)) === prefixes[i]) return true;
  }
  return false;
};

function checkedUrl(value, schemes, rule) {
  if (typeof value === "string" && startsWithAny(value, schemes)) return value;
  throw new TypeErrorOf(rule);
}

const IMAGE_RULE = "image(value, detail?): an http(s) or data: URL, {image_url, detail}, or an MCP image block";
const IMAGE_SCHEMES = ["http://", "https://", "data:"];
const DETAIL_OF_BLOCK = "codex/imageDetail";

export function output_image(value, detail) {
  const item = bare();
  item.type = "image";
  if (isRecord(value) && value.type === "image") {
    item.image_url = dataUrl(value, "image");
    detail ??= value.detail ?? value._meta?.[DETAIL_OF_BLOCK];
  } else if (isRecord(value)) {
    item.image_url = checkedUrl(value.image_url, IMAGE_SCHEMES, IMAGE_RULE);
    detail ??= value.detail;
  } else {
    item.image_url = checkedUrl(value, IMAGE_SCHEMES, IMAGE_RULE);
  }
  if (detail !== undefined && detail !== null) {
    if (typeof detail !== "string") throw new TypeErrorOf("image: detail is a string");
    item.detail = detail;
  }
  emitItem("image", item);
}

const AUDIO_RULE = "audio(value): a data: URL, {audio_url}, or an MCP audio block";
const AUDIO_SCHEMES = ["data:"];

export function output_audio(value) {
  const item = bare();
  item.type = "audio";
  if (isRecord(value) && value.type === "audio") item.audio_url = dataUrl(value, "audio");
  else item.audio_url = checkedUrl(isRecord(value) ? value.audio_url : value, AUDIO_SCHEMES, AUDIO_RULE);
  emitItem("audio", item);
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** How deep arrays and objects lie within each other in a JSON text. */
function nesting(json) {
  let depth = 0;
  let deepest = 0;
  let isEscaped = false;
  let isText = false;
  for (let i = 0; i < json.length; i++) {
    const unit = charCodeAt(json, i);
    if (isEscaped) isEscaped = false;
    else if (unit === QUOTE) isText = !isText;
    else if (isText) isEscaped = unit === BACKSLASH;
    else if (unit === OPEN_ARRAY || unit === OPEN_OBJECT) deepest = max(deepest, ++depth);
    else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) depth -= 1;
  }
  return deepest;
}

/** JSON text of a block that goes to the model as it is, with annotations and the like. Its `toJSON` may say another. */
function blockText(block) {
  const text = stringify(block);
  const said = text === undefined ? undefined : parse(text);
  if (!isRecord(said) || !hasOwn(said, "type") || typeof said.type !== "string") {
    throw new TypeErrorOf("content(block): the block's JSON is no MCP content block");
  }
  if (nesting(text) > MAX_BLOCK_DEPTH) {
    throw new TypeErrorOf("content(block): the block is nested deeper than " + toText(MAX_BLOCK_DEPTH) + " levels");
  }
  return text;
}

export function output_content(block) {
  if (isArray(block)) {
    for (let i = 0; i < block.length; i++) output_content(block[i]);
    return;
  }
  if (!isRecord(block) || typeof block.type !== "string") {
    throw new TypeErrorOf("content(block): an MCP content block, or an array of them, not " + (block === null ? "null" : toText(typeof block)));
  }
  if (block.type === "image" || block.type === "audio") dataUrl(block, block.type);
  if (block.type === "text" && typeof block.text === "string" && objectKeys(block).length === 2) output_text(block.text);
  else if (block.type === "image" && objectKeys(block).length === 3) output_image(block);
  else if (block.type === "audio" && objectKeys(block).length === 3) output_audio(block);
  else emitBody("content", '{"type":"content","block":' + blockText(block) + "}");
}
