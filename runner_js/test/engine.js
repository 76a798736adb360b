// A runner in a realm of its own, driven the way Python drives it: text and numbers in by the port, records out by the
// ring. For the tests only.

import { readFileSync } from "node:fs";
import vm from "node:vm";

const BUNDLE = new vm.Script(
  readFileSync(new URL("../../codemode/engine/runner.js", import.meta.url), "utf8"),
  { filename: "codemode:runner" },
);
const COUNTER_BYTES = 16;

export const NAMES = [
  "", "TEXT", "ITEM", "CALL", "CANCEL", "STORE", "UNSET", "LOG", "NOTE", "YIELD", "YIELD_TIME", "OUTPUT_BUDGET",
  "FAILING", "COMPLETED", "FAILED",
];

/** The reading end of the ring: every whole record since the last call. */
export class Reader {
  #partial = new Uint16Array(0);

  constructor(buffer) {
    this.counters = new Int32Array(buffer, 0, COUNTER_BYTES / 4);
    this.units = new Uint16Array(buffer, COUNTER_BYTES);
  }

  take() {
    const head = Atomics.load(this.counters, 0);
    const tail = Atomics.load(this.counters, 1);
    const count = (head - tail) >>> 0;
    const size = this.units.length;
    const units = new Uint16Array(this.#partial.length + count);
    units.set(this.#partial);
    const first = (tail >>> 0) % size;
    const beforeEnd = Math.min(count, size - first);
    units.set(this.units.subarray(first, first + beforeEnd), this.#partial.length);
    units.set(this.units.subarray(0, count - beforeEnd), this.#partial.length + beforeEnd);
    Atomics.store(this.counters, 1, head);
    const records = [];
    let start = 0;
    while (units.length - start >= 3) {
      const end = start + 3 + units[start + 1] + units[start + 2] * 65536;
      if (end > units.length) break;
      records.push(decode(units[start], units.subarray(start + 3, end)));
      start = end;
    }
    this.#partial = units.slice(start);
    return records;
  }

  /** Units of a record that is not whole. */
  get left() {
    return this.#partial.length;
  }
}

const utf16 = new TextDecoder("utf-16le");

const textOf = (units) => utf16.decode(units);

function decode(kind, units) {
  const name = NAMES[kind] ?? `unknown ${kind}`;
  switch (name) {
    case "ITEM":
    case "STORE":
    case "LOG": {
      const middle = 2 + units[0] + units[1] * 65536;
      return [name, textOf(units.subarray(2, middle)), textOf(units.subarray(middle))];
    }
    case "CALL": {
      const middle = 4 + units[3];
      const call = [name, units[0] + units[1] * 65536, textOf(units.subarray(4, middle)), textOf(units.subarray(middle))];
      return units[2] === 1 ? [...call, "abortable"] : call;
    }
    case "FAILED":
      return [name, JSON.parse(textOf(units))];
    default:
      return units.length === 0 ? [name] : [name, textOf(units)];
  }
}

const SETTINGS = {
  name: "cell-1.js",
  maxCallsInFlight: 4,
  maxCalls: 100,
  maxStoreBytes: 1000,
  maxStoreKeys: 10,
  maxArgumentUnits: 1000,
  maxArgumentUnitsInFlight: 1000,
  maxOutputUnits: 3_000_000,
  maxOutputItems: 1000,
  maxTimers: 10,
  lastCall: 0,
  seed: "00".repeat(32),
  stored: {},
  tools: [
    ["get", "tools.js", "get", "Gets.", false],
    ["raw", "tools.js", "raw", "Takes text.", true],
    ["files__read", "tools/files.js", "read", "Reads.", false],
  ],
};

/** One engine for one script. */
export class Engine {
  constructor(settings = {}) {
    this.context = vm.createContext(vm.constants?.DONT_CONTEXTIFY ?? {});
    this.port = BUNDLE.runInContext(this.context);
    this.reader = new Reader(this.port.ring);
    const given = { ...SETTINGS, ...settings };
    const storedBytes = Buffer.byteLength(Object.entries(given.stored).flat().join(""));
    this.port.cell = JSON.stringify({ ...given, storedBytes });
    this.port.now = 0;
    this.clean();
  }

  /** Runs a module's body to where it waits; gives what was said. */
  async run(source) {
    this.start(source);
    return this.said();
  }

  /** Starts a module's body; whoever reads the ring hears what it says. */
  start(source) {
    const wrapper = vm.runInContext(
      `(function(report){"use strict";const dynamicImport=arguments[2];return()=>{(async()=>{try{{${source}
}report(0)}catch(e){report(1,e)}})()}})
//# sourceURL=cell-1.js`,
      this.context,
    );
    const prologue = wrapper.toString().indexOf("try{{") + "try{{".length + 1;
    this.port.place = JSON.stringify([prologue, source.split("\n").length]);
    this.port.script = wrapper;
  }

  /** Lets promise jobs run, as V8's own thread does between two requests; then what was said since the last time. */
  async said() {
    for (let i = 0; i < 50; i++) await null;
    await new Promise((resolve) => setImmediate(resolve));
    this.clean();
    return this.reader.take();
  }

  /** The accessors kept everything to themselves, and had nothing to keep. */
  clean() {
    if (this.port.fault !== "") throw new Error(`an accessor threw: ${this.port.fault}`);
  }

  async answer(...answers) {
    this.port.answers = JSON.stringify(answers.flat());
    return this.said();
  }

  async tick(ms) {
    this.port.now = ms;
    return this.said();
  }
}

/** What a script says from its start to where it waits. */
export const run = async (source, settings) => new Engine(settings).run(source);

/** The texts that a script emits; it must complete. */
export async function texts(source, settings) {
  const said = await run(source, settings);
  const last = said.pop();
  if (last?.[0] !== "COMPLETED") throw new Error(`it did not complete: ${JSON.stringify(last)}`);
  return said.filter(([kind]) => kind === "TEXT").map(([, text]) => text ?? "");
}
