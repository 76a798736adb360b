// ATTACK: forge_stack_strings
// CLASS: forge
// MUST: no stack that a script can read shows a frame, a name or the text of the runner
// EXPECT: {"status": ["completed"], "no_text": "LEAK", "expect_text": "ok"}
const stacks = [];
const note = () => { stacks.push(new Error("s").stack); return 1; };
structuredClone({ get a() { return note(); } }); output_text({ toJSON: note }); store("k", { toJSON: note });
[3, 1].sort(note); setTimeout(note, 1); queueMicrotask(note);
const t = new EventTarget(); t.addEventListener("x", note); t.dispatchEvent(new Event("x"));
await tools.echo({ toJSON() { note(); return {}; } }); for await (const _ of as_settled([{ then(f) { note(); f(1); } }]));
await sleep(5); await { then(f) { note(); f(); } };
try { console.table([{ get a() { note(); } }]); await import({ toString() { note(); throw 1; } }); } catch {}
output_text(stacks.length > 8 && stacks.every((s) => !/codemode:|runner|module_|\$[0-9a-f]{6}|_[0-9a-f]{6}|<anonymous>:\d+:\d+\)?\s*$/.test(s)) ? "ok" : "LEAK " + stacks.join("\n"));
