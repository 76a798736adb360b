// ATTACK: val_text_odd
// CLASS: values
// MUST: every kind of value is said as text or is an Error of its own
// EXPECT: {"status": ["completed"], "expect_text": "ok"}
const revoked = (() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; })();
const odd = [null, undefined, Symbol("\ud800"), 10n, -0, () => {}, class {}, revoked, new Proxy([], {}), Object.create(null), new Date(NaN), new Date(8.64e15), { toString: null, toJSON: null }, [, , 1], Object.assign(new Error("m"), { name: "\ud800" }), new Error("\0"), new Map([[NaN, undefined]]), new WeakMap(), new WeakRef({}), Promise.resolve(), (function* () {})(), new ArrayBuffer(8, { maxByteLength: 16 }), new DataView(new ArrayBuffer(1)), Object(1n), Object(Symbol()), new String("\ud800"), /\ud800/, Intl, Math, globalThis, console, tools, arguments_(), new BigInt64Array(3), new Proxy(() => {}, {}), "\ud800\udfff\ud800", String.fromCharCode(0, 0xffff, 0xfffe, 0xfeff)];
function arguments_() { return (function () { return arguments; })(1, 2); }
for (const v of odd) for (const f of [output_text, notify, console.log, (x) => { throw x; }]) try { f(v); f([v]); f({ v }); } catch {}
output_text("ok");
