// ATTACK: forge_reentrant_dispatch
// CLASS: forge
// MUST: an abort listener that aborts, dispatches, calls and adds listeners again ends, and each call is answered once
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
import { never, echo } from "tools.js";
const a = new AbortController(), b = new AbortController(); let heard = 0;
const both = AbortSignal.any([a.signal, b.signal]);
const calls = [a.signal, b.signal, both].map((signal) => never({}, { signal }).catch((e) => e.code));
for (const s of [a.signal, b.signal, both]) s.addEventListener("abort", (event) => {
  heard++; a.abort(); b.abort();
  try { s.dispatchEvent(event); } catch {}
  s.addEventListener("abort", () => { heard += 100; });
  calls.push(echo({ x: 1 }, { signal: s }).catch((e) => e.code));
});
a.abort();
const codes = await Promise.all(calls);
output_text(heard === 3 && codes.every((c) => c === "cancelled") ? "ok" : heard + " " + codes);
