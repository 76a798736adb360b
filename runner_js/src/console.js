// The script's console: to the cell's log, not to the model.

import { slice, toText } from "./primordials.js";
import { cell } from "./cell.js";
import { KIND, putPair } from "./ring.js";
import { now } from "./timers.js";
import { inspect } from "./render.js";
import { cut } from "./stack.js";

const counts = { __proto__: null };
const started = { __proto__: null };
let indent = "";

const shown = (value) => (typeof value === "string" ? value : inspect(value));

function write(level, values) {
  if (cell.ended) return;
  let text = indent;
  for (let i = 0; i < values.length; i++) text += (i === 0 ? "" : " ") + shown(values[i]);
  putPair(KIND.LOG, level, cut(text));
}

const label = (value) => (value === undefined ? "default" : shown(value));

function writePassed(name) {
  const key = label(name);
  const passed = started[key] === undefined ? "no such timer" : toText(now() - started[key]) + " ms";
  write("log", [key + ": " + passed]);
}

function group(...values) {
  if (values.length > 0) write("log", values);
  indent += "  ";
}

/** The object that a script knows as `console`. */
export const scriptConsole = {
  log: (...values) => write("log", values),
  info: (...values) => write("info", values),
  debug: (...values) => write("debug", values),
  warn: (...values) => write("warn", values),
  error: (...values) => write("error", values),
  trace: (...values) => write("debug", values),
  dir: (value) => write("log", [value]),
  dirxml: (...values) => write("log", values),
  table: (value) => write("log", [value]),
  assert: (condition, ...values) => {
    if (condition) return;
    if (values.length === 0) write("error", ["Assertion failed"]);
    else {
      values[0] = "Assertion failed: " + shown(values[0]);
      write("error", values);
    }
  },
  count: (name) => {
    const key = label(name);
    counts[key] = (counts[key] ?? 0) + 1;
    write("log", [key + ": " + toText(counts[key])]);
  },
  countReset: (name) => {
    counts[label(name)] = 0;
  },
  time: (name) => {
    started[label(name)] = now();
  },
  timeLog: (name, ...values) => {
    writePassed(name);
    if (values.length > 0) write("log", values);
  },
  timeEnd: (name) => {
    writePassed(name);
    started[label(name)] = undefined;
  },
  group,
  groupCollapsed: group,
  groupEnd: () => {
    indent = indent.length > 2 ? slice(indent, 2) : "";
  },
  clear: () => {},
};
