// console.table: rows of values under the names of their properties.

import { MapOf, list, mapForEach, mapGet, mapSet, max, objectKeys, setForEach, toText } from "./primordials.js";
import { isMap, isSet } from "./brands.js";
import { inspect, propertyText } from "./render.js";

const MAX_ROWS = 1000;
const VALUES = "Values";

class Table {
  /** {index, cells: texts by column} of each row. */
  rows = list();
  /** The names of the columns, in the order in which they came. */
  columns = list();
  known = new MapOf();
  /** There is one more column, for what has no properties. */
  hasValues = false;

  row(index) {
    const cells = new MapOf();
    this.rows[this.rows.length] = { __proto__: null, index, cells };
    return cells;
  }

  column(name) {
    if (mapGet(this.known, name) === true) return;
    mapSet(this.known, name, true);
    this.columns[this.columns.length] = name;
  }
}

const isRecord = (value) => typeof value === "object" && value !== null;

/** One row: the properties of a record, or the value itself in the last column. */
function addRow(table, index, value, only) {
  const cells = table.row(index);
  if (!isRecord(value)) {
    table.hasValues = true;
    mapSet(cells, VALUES, inspect(value));
    return;
  }
  const names = only ?? objectKeys(value);
  for (let i = 0; i < names.length && i < MAX_ROWS; i++) {
    const name = toText(names[i]);
    table.column(name);
    const text = propertyText(value, name, inspect);
    if (text !== "<empty>") mapSet(cells, name, text);
  }
}

const repeated = (text, count) => {
  let all = "";
  for (let i = 0; i < count; i++) all += text;
  return all;
};

/** The lines of a box around the texts: the first row is the header. */
function boxed(lines) {
  const widths = list();
  for (let i = 0; i < lines.length; i++) {
    for (let j = 0; j < lines[i].length; j++) widths[j] = max(widths[j] ?? 0, lines[i][j].length + 2);
  }
  const rule = (left, middle, right) => {
    let text = left;
    for (let j = 0; j < widths.length; j++) text += (j === 0 ? "" : middle) + repeated("─", widths[j]);
    return text + right;
  };
  let text = rule("┌", "┬", "┐");
  for (let i = 0; i < lines.length; i++) {
    text += "\n│";
    for (let j = 0; j < widths.length; j++) {
      const cell = " " + lines[i][j];
      text += (j === 0 ? "" : "│") + cell + repeated(" ", widths[j] - cell.length);
    }
    text += "│";
    if (i === 0) text += "\n" + rule("├", "┼", "┤");
  }
  return text + "\n" + rule("└", "┴", "┘");
}

function laidOut(table, indexName) {
  const columns = table.columns;
  if (table.hasValues) columns[columns.length] = VALUES;
  const lines = list();
  const header = list();
  header[0] = indexName;
  for (let j = 0; j < columns.length; j++) header[j + 1] = columns[j];
  lines[0] = header;
  for (let i = 0; i < table.rows.length; i++) {
    const line = list();
    line[0] = table.rows[i].index;
    for (let j = 0; j < columns.length; j++) line[j + 1] = mapGet(table.rows[i].cells, columns[j]) ?? "";
    lines[i + 1] = line;
  }
  return boxed(lines);
}

/** The table of a collection, with these columns only where `only` names some; as `inspect` where it is none. */
export function tableText(value, only = undefined) {
  if (!isRecord(value)) return inspect(value);
  const table = new Table();
  let count = 0;
  if (isMap(value)) {
    mapForEach(value, (part, key) => {
      if (count >= MAX_ROWS) return;
      const cells = table.row(toText(count++));
      mapSet(cells, "Key", inspect(key));
      mapSet(cells, VALUES, inspect(part));
    });
    table.column("Key");
    table.hasValues = true;
    return laidOut(table, "(iteration index)");
  }
  if (isSet(value)) {
    setForEach(value, (part) => {
      if (count < MAX_ROWS) addRow(table, toText(count++), part, only);
    });
    return laidOut(table, "(iteration index)");
  }
  const keys = objectKeys(value);
  for (; count < keys.length && count < MAX_ROWS; count++) {
    addRow(table, keys[count], value[keys[count]], only);
  }
  return laidOut(table, "(index)");
}
