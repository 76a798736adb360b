// structuredClone: a copy of a value and of all that it holds, cycles and shared references kept.

import {
  BufferOf, Bytes, DataViewOf, DateOf, ERRORS, ErrorOf, MapOf, ObjectOf, RegExpOf, SetOf, TYPED_ARRAYS, TypeErrorOf,
  arrayBufferIsDetached, arrayBufferIsResizable, arrayBufferLength, arrayBufferMaxLength, arrayBufferTransfer,
  dataViewBuffer, dataViewByteLength, dataViewByteOffset, dateGetTime, functionToString, getOwnPropertyDescriptor, hasOwn,
  isArray, isError, list, mapForEach, mapGet, mapHas, mapSet, objectKeys, regExpSource, setAdd, setForEach, symbolToString,
  typedArrayBuffer, typedArrayByteOffset, typedArrayLength, typedArraySet, typedArrayTag,
} from "./primordials.js";
import {
  isBuffer, isDataView, isDate, isMap, isPlain, isRegExp, isSet, isTypedArray, opaqueKind, regExpFlags, unboxed,
} from "./brands.js";
import { DOMException, isDOMException } from "./dom_exception.js";
import { hiddenValue, ownValue } from "./define.js";
import { itemsOf } from "./iteration.js";
import { stackOf, titleOf } from "./stack.js";
import { URL } from "./url.js";
import { URLSearchParams } from "./search_params.js";

function refuse(what) {
  throw new DOMException(what + " could not be cloned.", "DataCloneError");
}

/** Of one call: what has been copied already, by what it is a copy of. */
class Cloning {
  copies = new MapOf();

  value(value) {
    switch (typeof value) {
      case "symbol":
        return refuse(symbolToString(value));
      case "function":
        return refuse(functionToString(value));
      case "object":
        return value === null ? null : (mapGet(this.copies, value) ?? this.object(value));
      default:
        return value;
    }
  }

  /** Notes a copy before what it holds is copied: that may lead back to it. */
  note(value, copy) {
    mapSet(this.copies, value, copy);
    return copy;
  }

  object(value) {
    if (isArray(value)) return this.array(value);
    if (isError(value)) return this.error(value);
    if (isPlain(value)) return this.properties(value, this.note(value, {}));
    if (isDate(value)) return this.note(value, new DateOf(dateGetTime(value)));
    if (isRegExp(value)) return this.note(value, new RegExpOf(regExpSource(value), regExpFlags(value)));
    if (isMap(value)) return this.map(value);
    if (isSet(value)) return this.set(value);
    if (isBuffer(value)) return this.buffer(value);
    if (isTypedArray(value)) {
      const Maker = TYPED_ARRAYS[typedArrayTag(value)];
      return this.view(value, Maker, typedArrayBuffer(value), typedArrayByteOffset(value), typedArrayLength(value));
    }
    if (isDataView(value)) {
      const buffer = dataViewBuffer(value);
      if (arrayBufferIsDetached(buffer)) return refuse("A DataView of a detached ArrayBuffer");
      return this.view(value, DataViewOf, buffer, dataViewByteOffset(value), dataViewByteLength(value));
    }
    const boxed = unboxed(value);
    if (boxed !== undefined) {
      return typeof boxed.value === "symbol" ? refuse("[object Symbol]") : this.note(value, ObjectOf(boxed.value));
    }
    const kind = opaqueKind(value) ?? interfaceOf(value);
    if (kind !== undefined) return refuse("#<" + kind + ">");
    return this.properties(value, this.note(value, {}));
  }

  properties(value, copy) {
    const keys = objectKeys(value);
    for (let i = 0; i < keys.length; i++) {
      // A getter may have removed what comes after it.
      if (hasOwn(value, keys[i])) ownValue(copy, keys[i], this.value(value[keys[i]]));
    }
    return copy;
  }

  array(value) {
    const copy = this.note(value, []);
    copy.length = value.length;
    return this.properties(value, copy);
  }

  map(value) {
    const copy = this.note(value, new MapOf());
    const entries = list();
    mapForEach(value, (part, key) => {
      entries[entries.length] = key;
      entries[entries.length] = part;
    });
    for (let i = 0; i < entries.length; i += 2) mapSet(copy, this.value(entries[i]), this.value(entries[i + 1]));
    return copy;
  }

  set(value) {
    const copy = this.note(value, new SetOf());
    const parts = list();
    setForEach(value, (part) => {
      parts[parts.length] = part;
    });
    for (let i = 0; i < parts.length; i++) setAdd(copy, this.value(parts[i]));
    return copy;
  }

  buffer(value) {
    if (arrayBufferIsDetached(value)) return refuse("An ArrayBuffer that is detached");
    const length = arrayBufferLength(value);
    const options = { __proto__: null };
    if (arrayBufferIsResizable(value)) options.maxByteLength = arrayBufferMaxLength(value);
    const copy = new BufferOf(length, options);
    typedArraySet(new Bytes(copy), new Bytes(value));
    return this.note(value, copy);
  }

  view(value, Maker, buffer, offset, length) {
    return this.note(value, new Maker(this.value(buffer), offset, length));
  }

  error(value) {
    if (isDOMException(value)) return this.domException(value);
    const name = `${value.name}`;
    const message = getOwnPropertyDescriptor(value, "message");
    const copy = this.note(value, new (ERRORS[name] ?? ErrorOf)());
    if (message !== undefined && hasOwn(message, "value")) hiddenValue(copy, "message", `${message.value}`);
    return this.story(value, copy);
  }

  domException(value) {
    const title = titleOf(value);
    return this.story(value, this.note(value, new DOMException(title.message, title.name)));
  }

  /** What an error has beside its name and its message. */
  story(value, copy) {
    const stack = stackOf(value);
    if (stack !== undefined) hiddenValue(copy, "stack", stack);
    const cause = getOwnPropertyDescriptor(value, "cause");
    if (cause !== undefined && hasOwn(cause, "value")) hiddenValue(copy, "cause", this.value(cause.value));
    return copy;
  }
}

/** The kinds that have more to them than their properties, and no rule for cloning it. */
function interfaceOf(value) {
  if (value instanceof URL) return "URL";
  return value instanceof URLSearchParams ? "URLSearchParams" : undefined;
}

/** The ArrayBuffers of `{transfer}`. */
function transferred(options) {
  if (options === undefined || options === null) return list();
  if (typeof options !== "object") throw new TypeErrorOf("structuredClone(value, options): options is an object");
  if (options.transfer === undefined) return list();
  const buffers = itemsOf(options.transfer);
  if (buffers === undefined) throw new TypeErrorOf("structuredClone: transfer is an iterable of ArrayBuffers");
  const seen = new MapOf();
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i];
    if (typeof buffer !== "object" || buffer === null) throw new TypeErrorOf("structuredClone: transfer holds ArrayBuffers");
    if (!isBuffer(buffer) || arrayBufferIsDetached(buffer) || mapHas(seen, buffer)) {
      throw new DOMException("structuredClone: transfer holds ArrayBuffers, each once and not detached", "DataCloneError");
    }
    mapSet(seen, buffer, true);
  }
  return buffers;
}

export function structuredClone(value, options = undefined) {
  if (arguments.length === 0) throw new TypeErrorOf("structuredClone(value): the value is missing");
  const buffers = transferred(options);
  const copy = new Cloning().value(value);
  // All is copied now: what was transferred is the script's no more.
  for (let i = 0; i < buffers.length; i++) arrayBufferTransfer(buffers[i]);
  return copy;
}
