// ATTACK: forge_late_globals_patched
// CLASS: forge
// MUST: globals that are made late, after everything was patched, leak nothing of the runner and break nothing but themselves
// EXPECT: {"status": ["completed"], "no_forged": true, "no_text": "LEAK", "expect_text": "ok"}
import { echo } from "tools.js";
const suspicious = []; const A = Array.prototype, it = A[Symbol.iterator], keep = {};
const look = (v, d = 0) => { if (d > 3 || v === null || (typeof v !== "object" && typeof v !== "function")) return; try { for (const k of Reflect.ownKeys(v)) { if (/^(ringBuffer|deliver|put|putCall|states|seed|enginePort|openCalls)$/.test(String(k))) suspicious.push(String(k)); } } catch {} };
for (const k of ["map", "push", "filter", "slice", "join", "sort", "forEach", "some", "findIndex", "concat", "splice"]) { keep[k] = A[k]; A[k] = function (...a) { look(this); a.length && look(a[0]); return Reflect.apply(keep[k], this, a); }; }
for (const k of ["split", "replace", "match", "trim", "toLowerCase", "indexOf", "startsWith", "slice"]) { const f = String.prototype[k]; String.prototype[k] = function (...a) { return Reflect.apply(f, this, a); }; }
for (const k of ["call", "apply", "bind"]) { const f = Function.prototype[k]; Function.prototype[k] = function (...a) { look(this); return Reflect.apply(f, this, a); }; }
for (const f of [() => new URL("http://a.b/c?d=e#f").href, () => structuredClone({ a: 1 }), () => crypto.randomUUID(), () => new AbortController().abort(), () => new TextDecoder("latin1").decode(new Uint8Array(3)), () => btoa("x"), () => performance.now(), () => new URLSearchParams("a=b").toString(), () => new DOMException("x").code, () => search_tools("x"), () => console.table([1])]) try { look(f()); } catch {}
const r = await echo({ a: 1 });
output_text(suspicious.length === 0 && r.a === 1 ? "ok" : "LEAK " + suspicious);
