// exit() ends the script where it stands, as completed: nothing of it runs afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runRead } from "./read.js";

const PLACES = {
  "in a try block": "exit();",
  "in a callback of sort": "[3, 2, 1].sort(() => exit());",
  "in a getter that text reads": "text({get a() { exit(); }});",
  "in toJSON of a stored value": "store('k', {toJSON() { exit(); }});",
  "in toJSON of an argument": "await tools.get({toJSON() { exit(); }});",
  "in toString of a DOMException's message": "new DOMException({toString() { exit(); }});",
  "in a generator that is gone through": "for (const x of (function* () { try { yield 1; exit(); } finally { text('f'); } })()) void x;",
  "in what as_settled goes through": "as_settled((function* () { try { exit(); } finally { text('f'); } })());",
  "in the loop over as_settled": "for await (const o of as_settled([1, 2])) exit();",
  "in a listener": "const t = new EventTarget(); t.addEventListener('x', () => exit()); t.addEventListener('x', () => text('second')); t.dispatchEvent(new Event('x'));",
  "in a listener of a signal": "const c = new AbortController(); c.signal.onabort = () => exit(); tools.raw('x', {signal: c.signal}).catch(() => text('c')); c.abort();",
  "in a microtask": "queueMicrotask(() => exit()); await new Promise(() => {});",
  "in a promise job": "await Promise.resolve().then(() => exit());",
  "in a getter that structuredClone reads": "structuredClone({get a() { exit(); }});",
  "in a Proxy that the console shows": "console.log(new Proxy({}, {ownKeys() { exit(); }}));",
  "in the replacer of a text": "'x'.replace(/x/, () => exit());",
  "in a dynamic import's specifier": "await dynamicImport({toString() { exit(); }});",
};

for (const [place, code] of Object.entries(PLACES)) {
  test(`exit ${place}: nothing runs afterwards`, async () => {
    const said = await runRead(`
      text("begun"); Promise.resolve().then(async () => { for (let i = 0; i < 9; i++) await null; text("a job"); });
      try { ${code} text("went on"); } catch (e) { text("caught"); } finally { text("finally"); }`);
    assert.deepEqual(said.filter(([kind]) => kind !== "CALL" && kind !== "CANCEL"), [["TEXT", "begun"], ["COMPLETED"]]);
  });
}
