// What the model sees: text, images, audio and content blocks, in the order in which the script emitted them.

import { TypeErrorOf, bare, isArray, startsWith, stringify, toText } from "./primordials.js";
import { cell } from "./cell.js";
import { failForGood } from "./failure.js";
import { KIND, put, putPair } from "./ring.js";
import { render } from "./render.js";

/** What a frame of the wire carries of one text, whatever the limits say: three bytes a unit, 64 MiB in all. */
const MAX_ITEM_UNITS = 20 * 1024 * 1024;

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
  if (length > MAX_ITEM_UNITS) {
    failForGood("output_limit", "one item is longer than " + toText(MAX_ITEM_UNITS) + " characters");
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

function emitItem(kind, item) {
  const body = stringify(item);
  if (admit(body.length)) putPair(KIND.ITEM, kind, body);
}

const isRecord = (value) => typeof value === "object" && value !== null && !isArray(value);

function dataUrl(block, kind) {
  if (typeof block.data !== "string" || typeof block.mimeType !== "string") {
    throw new TypeErrorOf(kind + ": an MCP block has `data` (base64 text) and `mimeType`");
  }
  return "data:" + block.mimeType + ";base64," + block.data;
}

const IMAGE_RULE = "image(value, detail?): an http(s) or data: URL, {image_url, detail}, or an MCP image block";

function imageUrl(value) {
  if (typeof value !== "string" || !(startsWith(value, "http://") || startsWith(value, "https://") || startsWith(value, "data:"))) {
    throw new TypeErrorOf(IMAGE_RULE);
  }
  return value;
}

export function output_image(value, detail) {
  const item = bare();
  item.type = "image";
  if (isRecord(value) && value.type === "image") {
    item.image_url = dataUrl(value, "image");
  } else if (isRecord(value)) {
    item.image_url = imageUrl(value.image_url);
    if (detail === undefined || detail === null) detail = value.detail;
  } else {
    item.image_url = imageUrl(value);
  }
  if (detail !== undefined && detail !== null) {
    if (typeof detail !== "string") throw new TypeErrorOf("image: detail is a string");
    item.detail = detail;
  }
  emitItem("image", item);
}

export function output_audio(value) {
  const item = bare();
  item.type = "audio";
  if (isRecord(value) && value.type === "audio") item.audio_url = dataUrl(value, "audio");
  else if (typeof value === "string" && startsWith(value, "data:")) item.audio_url = value;
  else throw new TypeErrorOf("audio(value): a data: URL or an MCP audio block");
  emitItem("audio", item);
}

export function output_content(block) {
  if (isArray(block)) {
    for (let i = 0; i < block.length; i++) output_content(block[i]);
    return;
  }
  if (!isRecord(block) || typeof block.type !== "string") {
    throw new TypeErrorOf("content(block): an MCP content block, or an array of them, not " + (block === null ? "null" : toText(typeof block)));
  }
  if (block.type === "text" && typeof block.text === "string") output_text(block.text);
  else if (block.type === "image") output_image(block);
  else if (block.type === "audio") output_audio(block);
  else {
    const item = bare();
    item.type = "content";
    item.block = block;
    emitItem("content", item);
  }
}
