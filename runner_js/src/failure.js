// How a cell ends: completed, or failed with what was thrown. Said once; all later is dropped.

import { bare, isError, stringify, toWellFormed } from "./primordials.js";
import { cell } from "./cell.js";
import { KIND, ensureStack, park, put } from "./ring.js";
import { cut, headline, positionOf } from "./stack.js";
import { errorText, inspect } from "./render.js";

/** What a thrown value comes to, as the fields of the wire's `failed`. May run script code only through a Proxy. */
function describe(thrown) {
  const failure = bare();
  failure.code = "script_error";
  failure.message = "";
  failure.stack = null;
  failure.line = null;
  failure.column = null;
  if (isError(thrown)) {
    const position = positionOf(thrown);
    failure.message = toWellFormed(headline(thrown));
    failure.stack = toWellFormed(errorText(thrown));
    failure.line = position.line;
    failure.column = position.column;
  } else {
    failure.message = toWellFormed("Uncaught " + cut(typeof thrown === "string" ? thrown : inspect(thrown)));
  }
  return failure;
}

/** The cell has come to its end. */
export function complete() {
  if (cell.ended) return;
  put(KIND.COMPLETED, "");
  cell.ended = true;
}

/** The cell has failed: said at once, for reading what was thrown may take for ever. */
export function fail(thrown) {
  if (cell.ended) return;
  ensureStack(); // both records, or none
  put(KIND.FAILING, "");
  cell.ended = true;
  let failure;
  try {
    failure = stringify(describe(thrown));
  } catch {
    failure = '{"code":"script_error","message":"the script threw a value that cannot be read","stack":null,' +
      '"line":null,"column":null}';
  }
  put(KIND.FAILED, failure);
}

/** Ends the cell by a limit, the way `exit` does: nothing of the script runs afterwards. */
export function failForGood(code, message) {
  ensureStack();
  if (!cell.ended) {
    const failure = bare();
    failure.code = code;
    failure.message = message;
    failure.stack = null;
    failure.line = null;
    failure.column = null;
    put(KIND.FAILED, stringify(failure));
    cell.ended = true;
  }
  park();
}

/** Ends the script as completed; cannot be caught. */
export function exit() {
  ensureStack();
  complete();
  park();
}
