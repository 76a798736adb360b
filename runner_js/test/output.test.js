// Output, console and what a script says about its own run.

import assert from "node:assert/strict";
import { test } from "node:test";
import { run, texts } from "./engine.js";
import { runRead } from "./read.js";

test("images, audio and content blocks go out as items in their order", async () => {
  const said = await run(`
    image("https://x/y.png", "low"); image({image_url: "data:image/png;base64,AA", detail: "high"});
    image({type: "image", data: "AA", mimeType: "image/png"}); audio("data:audio/wav;base64,AA");
    audio({type: "audio", data: "AA", mimeType: "audio/wav"}); content([{type: "text", text: "t"}, [{type: "resource", uri: "u"}]]);`);
  assert.deepEqual(said.map(([kind, name, body]) => (kind === "ITEM" ? [name, JSON.parse(body)] : [kind, name])), [
    ["image", { type: "image", image_url: "https://x/y.png", detail: "low" }],
    ["image", { type: "image", image_url: "data:image/png;base64,AA", detail: "high" }],
    ["image", { type: "image", image_url: "data:image/png;base64,AA" }],
    ["audio", { type: "audio", audio_url: "data:audio/wav;base64,AA" }],
    ["audio", { type: "audio", audio_url: "data:audio/wav;base64,AA" }],
    ["TEXT", "t"], ["content", { type: "content", block: { type: "resource", uri: "u" } }], ["COMPLETED", undefined],
  ]);
});

test("an image takes its detail from the call, its record, its block or what the block says of itself", async () => {
  const said = await run(`
    const block = {type: "image", data: "AA", mimeType: "image/png"};
    image({...block, detail: "low"}); image({...block, _meta: {"codex/imageDetail": "high"}}); image({...block, detail: "low"}, "auto");
    image({image_url: "HTTPS://x/y", detail: null}); image("data:image/png,", null); image({...block, _meta: null}); audio({audio_url: "data:audio/wav;base64,AA"}); content(block); content([]);`);
  assert.deepEqual(said.slice(0, -1).map(([, , body]) => { const item = JSON.parse(body); return item.detail ?? item.audio_url ?? "none"; }), [
    "low", "high", "auto", "none", "none", "none", "data:audio/wav;base64,AA", "none",
  ]);
});

test("what is no image, audio or content is a TypeError", async () => {
  const bad = ["image('file:///x')", "image(1)", "image({})", "image('data:,', 1)", "image('')", "image({image_url: 'ftp://x'})", "image({type: 'image', data: 'AA'})", "image({type: 'image', data: 'AA', mimeType: 'a/b', detail: 1})", "audio('https://x')", "audio({audio_url: 'https://x'})", "audio({})", "audio(null)", "audio({type: 'audio'})", "content(1)", "content({})", "content({type: 'x', self: 1n})",
    ...["undefined", "null", "5", "'s'", "[]", "{}", "{type: 1}"].map((said) => `content({type: 'x', toJSON: () => (${said})})`)];
  assert.deepEqual(await texts(bad.map((call) => `try { ${call}; text("passed"); } catch (e) { text(e.name); }`).join("\n")), bad.map(() => "TypeError"));
});

for (const [source, settings, why] of [
  ["try { for (;;) text('12345'); } finally { text('f'); }", { maxOutputUnits: 12 }, /longer than 12/],
  ["try { for (;;) text(''); } finally { text('f'); }", { maxOutputItems: 2 }, /more than 2 items/],
  ["for (;;) notify('12345');", { maxOutputUnits: 12 }, /longer than 12/],
]) {
  test(`${source} ends by output_limit, keeps what was said, and runs nothing after it`, async () => {
    const said = await runRead(source, settings);
    assert.equal(said.length, 3);
    assert.equal(said[2][0], "FAILED");
    assert.equal(said[2][1].code, "output_limit");
    assert.match(said[2][1].message, why);
  });
}

test("more timers than may be end the cell by timer_limit", async () => {
  const said = await runRead("for (;;) setTimeout(() => {}, 1000);", { maxTimers: 5 });
  assert.deepEqual(said.map(([kind, body]) => [kind, body?.code]), [["FAILED", "timer_limit"]]);
});

test("the console goes to the log, by level", async () => {
  const said = await run(`
    console.log("a", 1, {b: new Map([[1, 2]])}); console.warn("w"); console.error(); console.info("i"); console.debug("d");
    console.group("g"); console.log("in"); console.groupEnd(); console.groupEnd(); console.assert(1, "no"); console.assert(0, "yes");
    console.count(); console.count("__proto__"); console.count(); console.countReset(); console.count();
    console.timeLog("none"); console.log("x".repeat(20_000));`);
  const logs = said.filter(([kind]) => kind === "LOG").map(([, level, text]) => `${level}:${text}`);
  assert.deepEqual(logs.slice(0, -1), [
    "log:a 1 { b: Map(1) { 1 => 2 } }", "warn:w", "error:", "info:i", "debug:d", "log:g", "log:  in", "error:Assertion failed: yes",
    "log:default: 1", "log:__proto__: 1", "log:default: 2", "log:default: 1", "log:none: no such timer",
  ]);
  assert.ok(logs.at(-1).length < 17_000);
});

test("settings are said, and bad ones are TypeErrors", async () => {
  assert.deepEqual(
    await run(`yield_control(); detach(); set_yield_time(10.9); set_max_output_tokens_per_exec_call(1e12); notify({a: 1});
      for (const bad of [-1, NaN, Infinity, "5", undefined]) try { set_yield_time(bad); } catch (e) { text(e.name); }`),
    [["YIELD"], ["YIELD"], ["YIELD_TIME", "10"], ["OUTPUT_BUDGET", "2147483647"], ["NOTE", '{"a":1}'], ...Array(5).fill(["TEXT", "TypeError"]), ["COMPLETED"]],
  );
});

test("a content block may be nested 128 levels deep, and no deeper", async () => {
  const said = await run(`
    const nested = (levels, end) => { let v = end; for (let i = 0; i < levels; i++) v = i % 2 ? [v] : {v}; return v; };
    content({type: "resource", v: nested(127, '[[{"\\\\\\\\')});
    for (const block of [{type: "resource", v: nested(128, 1)}, {type: "text", text: "t", _meta: nested(900)}, {type: "x", v: {toJSON: () => nested(500)}}]) {
      try { content(block); } catch (e) { text(e.name + ": " + e.message); }
    }`);
  assert.equal(said[0][0], "ITEM");
  assert.deepEqual(said.slice(1, -1), Array(3).fill(["TEXT", "TypeError: content(block): the block is nested deeper than 128 levels"]));
});
