// The same piece of code here and in a runner: what node answers is what is expected. For the tests only.

import assert from "node:assert/strict";
import { test } from "node:test";
import { texts } from "./engine.js";

const AsyncFunction = (async () => {}).constructor;

/** What both sides have: how a value of any kind reads, what came of a call, and the shape of a class. */
const PRELUDE = `
  const show = (value, seen = new Map()) => {
    if (typeof value === "symbol" || typeof value === "bigint") return String(value) + typeof value;
    if (typeof value === "function") return "function " + value.name;
    if (Object.is(value, -0)) return "-0";
    if (typeof value !== "object" || value === null) return typeof value === "string" ? JSON.stringify(value) : String(value);
    if (seen.has(value)) return "#" + seen.get(value);
    seen.set(value, seen.size);
    const tag = Object.prototype.toString.call(value) + " " + Object.getPrototypeOf(value)?.constructor?.name;
    const inner = (part) => show(part, seen);
    const parts = [];
    if (value instanceof Map) for (const [k, v] of value) parts.push(inner(k) + "=>" + inner(v));
    if (value instanceof Set) for (const v of value) parts.push(inner(v));
    if (value instanceof Date) parts.push(value.getTime());
    if (value instanceof RegExp) parts.push(value.source, value.flags, value.lastIndex);
    if (value instanceof ArrayBuffer) parts.push(value.byteLength, value.resizable, value.maxByteLength, [...new Uint8Array(value)]);
    if (ArrayBuffer.isView(value)) parts.push(value.byteOffset, value.byteLength, inner(value.buffer));
    if (value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt) parts.push(inner(value.valueOf()));
    if (value instanceof Error) parts.push(value.name, value.message, typeof value.stack, value.code);
    for (const key of Reflect.ownKeys(value)) {
      if (key === "stack" || (ArrayBuffer.isView(value) && typeof key === "string")) continue;
      const own = Object.getOwnPropertyDescriptor(value, key);
      parts.push(String(key) + (own.enumerable ? "" : "-") + ":" + (own.get ? "getter" : inner(own.value)));
    }
    return tag + "{" + parts.join() + "}";
  };
  const attempt = (f) => { try { return show(f()); } catch (e) { return "throws " + e.name + " " + (e instanceof DOMException) + " " + (e.code ?? ""); } };
  const refused = (f) => { try { return show(f()); } catch (e) { return "throws " + e.name; } };
  const shape = (value) => Object.getOwnPropertyNames(value).sort().map((key) => {
    const own = Object.getOwnPropertyDescriptor(value, key);
    return key + (own.enumerable ? " enumerable" : "") + (own.get ? " get" : "") + (own.set ? " set" : "") + (own.writable ? " writable" : "");
  });
`;

/** The body of a function that gives what JSON can say; node's answer is the expected one. */
export function same(name, body) {
  test(name, async () => {
    const source = PRELUDE + body;
    const expected = JSON.stringify(await new AsyncFunction(source)());
    const [given] = await texts(`text(JSON.stringify(await (async () => {${source}})()));`);
    assert.deepEqual(JSON.parse(given), JSON.parse(expected));
  });
}
