// The state of the one cell that this engine runs: whether it has ended, and what would wake it.

import { list } from "./primordials.js";

export const cell = {
  __proto__: null,
  /** The file name in the script's positions. */
  name: "",
  /** UTF-16 units that stand before the script on its first line. */
  prologueUnits: 0,
  /** Lines of the script; what stands behind them is not its own. */
  lines: 0,
  started: false,
  ended: false,
  /** Calls made and not answered, those that wait for their turn included. */
  openCalls: 0,
  maxCallsInFlight: 0,
  maxCalls: 0,
  maxArgumentUnits: 0,
  maxArgumentUnitsInFlight: 0,
  maxStoreBytes: 0,
  maxStoreKeys: 0,
  maxOutputUnits: 0,
  maxOutputItems: 0,
  maxTimers: 0,
  /** The key of `crypto`: 64 hexadecimal digits in lower case. */
  seed: "",
  /** (identifier, module, name, description, freeform, declaration) of each tool. */
  tools: list(),
};
