// The bytes under an ArrayBuffer, a typed array or a DataView.

import {
  Bytes, arrayBufferLength, dataViewBuffer, dataViewByteLength, dataViewByteOffset, typedArrayBuffer, typedArrayByteLength,
  typedArrayByteOffset,
} from "./primordials.js";
import { isBuffer, isDataView, isTypedArray } from "./brands.js";

/** A view of the same bytes; undefined for any other value. Throws where their buffer is detached. */
export function bytesOf(value) {
  if (typeof value !== "object" || value === null) return undefined;
  if (isTypedArray(value)) {
    return new Bytes(typedArrayBuffer(value), typedArrayByteOffset(value), typedArrayByteLength(value));
  }
  if (isDataView(value)) return new Bytes(dataViewBuffer(value), dataViewByteOffset(value), dataViewByteLength(value));
  if (isBuffer(value)) return new Bytes(value, 0, arrayBufferLength(value));
  return undefined;
}
