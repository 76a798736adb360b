// The script's console: to the cell's log, not to the model.

import { ErrorOf, indexOf, list, slice, toText } from "./primordials.js";
import { cell } from "./cell.js";
import { format, shown } from "./format.js";
import { later } from "./later.js";
import { KIND, putPair } from "./ring.js";
import { inspect } from "./render.js";
import { cut, stackOf } from "./stack.js";
import { now } from "./timers.js";

const counts = { __proto__: null };
const started = { __proto__: null };
let indent = "";

function write(level, values) {
  if (cell.ended) return;
  const text = format(values);
  putPair(KIND.LOG, level, cut(indent === "" ? text : indented(text)));
}

/** Each line moved to the right, as far as the open groups go. */
function indented(text) {
  let all = indent;
  let start = 0;
  for (let at = indexOf(text, "\n"); at >= 0; at = indexOf(text, "\n", start)) {
    all += slice(text, start, at + 1) + indent;
    start = at + 1;
  }
  return all + slice(text, start);
}

const label = (value) => (value === undefined ? "default" : shown(value));

/** The time that a timer has run, then the values. */
function writePassed(name, values) {
  const key = label(name);
  const passed = started[key] === undefined ? "no such timer" : toText(now() - started[key]) + " ms";
  write("log", [key + ": " + passed + (values.length === 0 ? "" : " " + format(values))]);
}

/** The script's frames at the call, below what the values say. */
function trace(...values) {
  const error = new ErrorOf();
  const stack = stackOf(error);
  const title = format(values);
  write("debug", [(title === "" ? "Trace" : "Trace: ") + title + slice(stack, indexOf(stack + "\n", "\n"))]);
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
  trace,
  dir: (value) => write("log", [inspect(value)]),
  dirxml: (...values) => write("log", values),
  table: (value, columns) => write("log", [later().tableText(value, columns)]),
  assert: (condition, ...values) => {
    if (condition) return;
    const said = format(values);
    const colon = typeof values[0] === "string" ? ": " : " ";
    write("error", ["Assertion failed" + (values.length === 0 ? "" : colon + said)]);
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
    writePassed(name, values);
  },
  timeEnd: (name) => {
    writePassed(name, list());
    started[label(name)] = undefined;
  },
  group,
  groupCollapsed: group,
  groupEnd: () => {
    indent = indent.length > 2 ? slice(indent, 2) : "";
  },
  clear: () => {},
};
