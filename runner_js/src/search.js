// search_tools and describe_tool: what the model was not told of the tools for want of room.

import { TypeErrorOf, charCodeAt, freeze, indexOf, list, slice, startsWith, toLowerCase } from "./primordials.js";
import { cell } from "./cell.js";
import { refusal } from "./calls.js";
import { ownValue } from "./define.js";
import { identifierOf } from "./modules.js";
import { distance, nearest, suggestion, tolerance } from "./nearest.js";

const MAX_FOUND = 20;
const MAX_QUERY_UNITS = 1000;
const MAX_NAME_UNITS = 256;

/** What a word of the query is worth where it is met. No number of weaker hits of one word makes up for a stronger one. */
const WORTH = { __proto__: null, name: 10_000, part: 1000, prefix: 300, within: 100, word: 30, wordPrefix: 10, near: 3 };

const isUpper = (unit) => unit >= 0x41 && unit <= 0x5a;
const isLower = (unit) => unit >= 0x61 && unit <= 0x7a;
const isDigit = (unit) => unit >= 0x30 && unit <= 0x39;

/** The words of a text in lower case: `read_file`, `readFile` and `read file` are the same two. */
function wordsOf(text) {
  const words = list();
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const unit = i < text.length ? charCodeAt(text, i) : 0x20;
    const isLetter = isUpper(unit) || isLower(unit) || isDigit(unit) || unit > 0x7f;
    const isHump = isLetter && i > start && isUpper(unit) && isLower(charCodeAt(text, i - 1));
    if (isLetter && !isHump) continue;
    if (i > start) words[words.length] = toLowerCase(slice(text, start, i));
    start = isHump ? i : i + 1;
  }
  return words;
}

function firstLine(text) {
  const at = indexOf(text, "\n");
  return at < 0 ? text : slice(text, 0, at);
}

/** A tool as a search sees it. */
class Entry {
  name;
  shortName;
  parts;
  words;
  /** What a script is given. */
  found;

  constructor(tool) {
    this.name = toLowerCase(tool[0]);
    this.shortName = toLowerCase(tool[2]);
    this.parts = wordsOf(tool[0]);
    this.words = wordsOf(tool[3]);
    this.found = freeze({ name: tool[0], module: tool[1], description: firstLine(tool[3]) });
  }
}

let entries;

function allEntries() {
  if (entries !== undefined) return entries;
  const all = list();
  for (let i = 0; i < cell.tools.length; i++) all[i] = new Entry(cell.tools[i]);
  entries = all; // whole, also where the stack ends
  return entries;
}

function worthOf(word, entry) {
  let worth = indexOf(entry.name, word) >= 0 ? WORTH.within : 0;
  for (let i = 0; i < entry.parts.length; i++) {
    if (entry.parts[i] === word) return WORTH.part;
    if (startsWith(entry.parts[i], word)) worth = WORTH.prefix;
  }
  if (worth > 0) return worth;
  for (let i = 0; i < entry.words.length; i++) {
    if (entry.words[i] === word) return WORTH.word;
    if (startsWith(entry.words[i], word)) worth = WORTH.wordPrefix;
  }
  if (worth > 0 || word.length < 3) return worth;
  const most = tolerance(word.length);
  for (let i = 0; i < entry.parts.length; i++) if (distance(word, entry.parts[i], most) <= most) return WORTH.near;
  return distance(word, entry.name, most) <= most ? WORTH.near : 0;
}

function score(query, words, entry) {
  let total = entry.name === query || entry.shortName === query ? WORTH.name : 0;
  for (let i = 0; i < words.length; i++) total += worthOf(words[i], entry);
  return total;
}

/** Puts an index where it belongs among the best: a higher score first, then the order of the tools. */
function place(best, scores, index) {
  let at = best.length < MAX_FOUND ? best.length : MAX_FOUND - 1;
  if (best.length === MAX_FOUND && scores[best[at]] >= scores[index]) return;
  for (; at > 0 && scores[best[at - 1]] < scores[index]; at--) best[at] = best[at - 1];
  best[at] = index;
}

/** The tools that a query names or describes, the best first; the first ones for a query without words. */
export function search_tools(query = "") {
  if (typeof query !== "string") throw new TypeErrorOf("search_tools(query): the query is a string");
  const all = allEntries();
  const wanted = slice(query, 0, MAX_QUERY_UNITS);
  const words = wordsOf(wanted);
  const best = list();
  const scores = list();
  for (let i = 0; i < all.length; i++) {
    scores[i] = words.length === 0 ? 1 : score(toLowerCase(wanted), words, all[i]);
    if (scores[i] > 0) place(best, scores, i);
  }
  const found = [];
  for (let i = 0; i < best.length; i++) ownValue(found, i, all[best[i]].found);
  return freeze(found);
}

function textOf(tool) {
  const declaration = tool[5] ?? "";
  if (declaration !== "") return declaration;
  return tool[3] === "" ? tool[0] : tool[0] + ": " + tool[3];
}

/** One tool's declaration and documentation; the tool is named by its identifier or by its function. */
export function describe_tool(tool) {
  const named = typeof tool === "function" ? (identifierOf(tool) ?? "") : tool;
  if (typeof named !== "string") throw new TypeErrorOf("describe_tool(name): the identifier of a tool, or its function");
  const name = startsWith(named, "tools.") ? slice(named, "tools.".length) : named;
  const known = list();
  const alike = list();
  for (let i = 0; i < cell.tools.length; i++) {
    const entry = cell.tools[i];
    if (entry[0] === name) return textOf(entry);
    known[i] = entry[0];
    if (entry[2] === name) alike[alike.length] = entry[0];
  }
  const near = suggestion(alike.length > 0 ? alike : nearest(name, known));
  const shown = slice(name, 0, MAX_NAME_UNITS);
  const advice = near === "" ? "; search_tools(query) finds what there is" : near;
  throw refusal(shown, "tool_not_found", 'no tool is named "' + shown + '"' + advice);
}
