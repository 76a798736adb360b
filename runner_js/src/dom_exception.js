// The errors of the web's interfaces: `AbortError`, `TimeoutError`, `DataCloneError` and their kin.

import { ErrorOf, TypeErrorOf, setPrototypeOf } from "./primordials.js";
import { asInterface, constants, hiddenValue } from "./define.js";
import { setTitle, titleOf } from "./stack.js";

/** The numbers that some names have, by the names of their constants. */
const CODES = {
  INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4, INVALID_CHARACTER_ERR: 5,
  NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8, NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10,
  INVALID_STATE_ERR: 11, SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15,
  VALIDATION_ERR: 16, TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,
  QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
};
const CODE_BY_NAME = {
  __proto__: null,
  IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
  NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10, InvalidStateError: 11,
  SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15, TypeMismatchError: 17,
  SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23,
  InvalidNodeTypeError: 24, DataCloneError: 25,
};

function title(error) {
  const found = titleOf(error);
  if (found === undefined) throw new TypeErrorOf("not a DOMException");
  return found;
}

export class DOMException {
  constructor(message = "", options = "Error") {
    // A real error, so that it has a stack, and shows as one.
    const error = setPrototypeOf(new ErrorOf(), new.target.prototype);
    const isRecord = typeof options === "object" && options !== null;
    setTitle(error, isRecord ? `${options.name ?? "Error"}` : `${options}`, `${message}`);
    if (isRecord && "cause" in options) hiddenValue(error, "cause", options.cause);
    return error;
  }

  get name() {
    return title(this).name;
  }

  get message() {
    return title(this).message;
  }

  get code() {
    return CODE_BY_NAME[title(this).name] ?? 0;
  }
}
setPrototypeOf(DOMException.prototype, ErrorOf.prototype);
asInterface(DOMException, "DOMException");
constants(DOMException, CODES);

/** True for what a `DOMException` constructor made. */
export const isDOMException = (value) => titleOf(value) !== undefined;
