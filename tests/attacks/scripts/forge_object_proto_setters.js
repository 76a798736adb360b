// ATTACK: forge_object_proto_setters
// CLASS: forge
// MUST: setters and getters for every name of a record on Object.prototype see and change nothing of a call
// EXPECT: {"status": ["completed"], "no_forged": true, "expect_text": "ok"}
import { echo } from "tools.js";
let seen = 0;
const names = ["value", "get", "set", "signal", "status", "code", "toJSON", "ok", "id", "tool", "text", "units", "place", "abort",
  "resolve", "promise", "message", "callId", "cause", "stack", "line", "column", "writable", "enumerable", "configurable", "done",
  "next", "return", "index", "reason", "callback", "args", "due", "key", "name", "type", "length", "0", "1", "2"];
for (const name of names) {
  if (name === "toJSON" || name === "get" || name === "set") continue;
  Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get() { return undefined; }, set(v) { seen++; } });
}
const r = await echo({ a: 1 });
const before = seen;
for (const name of names) delete Object.prototype[name];
output_text(r.a === 1 && before === 0 ? "ok" : "FORGED " + before);
