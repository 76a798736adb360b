// search_tools, describe_tool, as_settled, and the names that come near.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, run, texts } from "./engine.js";
import { runRead } from "./read.js";

const tools = [
  ["weather", "tools.js", "weather", "The weather of a city.\nSlow.", false, "declare function weather(args: {city: string}): Promise<string>;"],
  ["get_forecast", "tools.js", "get_forecast", "Tells what the weather will be like.", false, "forecast declaration"],
  ["files__read", "tools/files.js", "read", "Reads a file.", false, "read declaration"],
  ["files__readMany", "tools/files.js", "readMany", "Reads files.", false, ""],
  ["mcp__wiki__search", "tools/mcp/wiki.js", "search", "Finds articles.", false, ""],
  ["delete_all", "tools.js", "delete_all", "", false],
];

const found = async (...queries) =>
  (await texts(queries.map((query) => `text(search_tools(${JSON.stringify(query)}).map((t) => t.name).join());`).join("\n"), { tools }));

test("a search finds by name, its parts, their beginnings, the description and near spelling, in this order", async () => {
  assert.deepEqual(await found("weather", "read", "READ FILE", "fore", "article", "wether", "searhc", "wiki search", "readmany", "delete-all", "zzzz", "tools.weather", "wkii"), [
    "weather,get_forecast", "files__read,files__readMany", "files__read,files__readMany", "get_forecast", "mcp__wiki__search",
    "weather,get_forecast".split(",")[0], "mcp__wiki__search", "mcp__wiki__search", "files__readMany", "delete_all", "", "weather,get_forecast", "mcp__wiki__search",
  ]);
});

test("no query lists the first tools, at most twenty, and a query that is no string is a TypeError", async () => {
  const many = Array.from({ length: 50 }, (_, i) => [`tool_${i}`, "tools.js", `tool_${i}`, "Does.", false, ""]);
  assert.deepEqual(
    await texts(`
      for (const q of [undefined, "", "  ", "tool", "?!"]) text(search_tools(q).map((t) => t.name).join());
      for (const q of [1, null, {}, []]) try { search_tools(q); text("no"); } catch (e) { text(e.name); }`, { tools: many }),
    [...Array(5).fill(many.slice(0, 20).map(([name]) => name).join()), ...Array(4).fill("TypeError")],
  );
});

test("what is found is frozen, synchronous and awaitable, and names tools that can be called", async () => {
  assert.deepEqual(
    await texts(`
      const all = search_tools("weather"); text(all[0]); text([Array.isArray(all), Object.isFrozen(all), Object.isFrozen(all[0]), typeof tools[all[0].name]]);
      text((await search_tools("weather")).length); text(typeof await describe_tool("weather"));`, { tools }),
    ['{"name":"weather","module":"tools.js","description":"The weather of a city."}', '[true,true,true,"function"]', "2", "string"],
  );
});

test("a tool is described by its name or its function, and without a declaration by what is known of it", async () => {
  assert.deepEqual(
    await texts("text(describe_tool('weather')); text(describe_tool('tools.files__read')); text(describe_tool(tools.get_forecast)); text(describe_tool('files__readMany')); text(describe_tool('delete_all'));", { tools }),
    ["declare function weather(args: {city: string}): Promise<string>;", "read declaration", "forecast declaration", "files__readMany: Reads files.", "delete_all"],
  );
});

test("a name that no tool has is tool_not_found with the names that come near", async () => {
  assert.deepEqual(
    await texts(`
      for (const name of ["wether", "read", "get_forcast", "qqqqqqqq", "", "x".repeat(5000), "__proto__", () => {}, tools.nope]) {
        try { describe_tool(name); text("no"); } catch (e) { text([e.name, e.code, e instanceof Error, e.message.slice(0, 80)].join()); }
      }
      for (const name of [1, undefined, null, {}]) try { describe_tool(name); text("no"); } catch (e) { text(e.name); }`, { tools }),
    [
      'ToolError,tool_not_found,true,no tool is named "wether"; did you mean "weather"?',
      'ToolError,tool_not_found,true,no tool is named "read"; did you mean "files__read"?',
      'ToolError,tool_not_found,true,no tool is named "get_forcast"; did you mean "get_forecast"?',
      'ToolError,tool_not_found,true,no tool is named "qqqqqqqq"; search_tools(query) finds what there is',
      'ToolError,tool_not_found,true,no tool is named ""; search_tools(query) finds what there is',
      `ToolError,tool_not_found,true,no tool is named "${"x".repeat(62)}`,
      'ToolError,tool_not_found,true,no tool is named "__proto__"; search_tools(query) finds what there is',
      'ToolError,tool_not_found,true,no tool is named ""; search_tools(query) finds what there is', 'ToolError,tool_not_found,true,no tool is named ""; search_tools(query) finds what there is',
      ...Array(4).fill("TypeError"),
    ],
  );
});

test("an unknown module names those that come near, then those there are", async () => {
  const [near, far] = await texts('for (const name of ["tools/fils.js", "?"]) text((await dynamicImport(name).catch((e) => e)).message);');
  assert.equal(near, 'there is no module "tools/fils.js"; did you mean "tools/files.js"? Modules: tools.js, tools/files.js, codemode, @openai/code_mode, openai/code_mode');
  assert.match(far, /^there is no module "\?"\. Modules: tools\.js,/);
});

// ── as_settled ──

test("outcomes come in the order in which they settle, with the index of what they are of", async () => {
  const engine = new Engine();
  await engine.run("for await (const o of as_settled([tools.get({n: 0}), tools.get({n: 1}), 'plain', Promise.reject('no')])) text(o);");
  assert.deepEqual(await engine.answer([2, 0, "second"]), [["TEXT", '{"index":1,"status":"fulfilled","value":"second"}']]);
  const said = await engine.answer([1, 1, { code: "denied", message: "m", callId: "c1", tool: "get" }]);
  assert.match(said[0][1], /^\{ index: 0, status: "rejected", reason: \[ToolError: m/);
  assert.deepEqual(said[1], ["COMPLETED"]);
});

test("what is not a promise and what has settled comes at once, in its order", async () => {
  assert.deepEqual(
    await texts(`
      const seen = []; for await (const o of as_settled(new Set([1, Promise.resolve(2), Promise.reject(3), {then(f) { f(4); }}]))) seen.push([o.index, o.status, o.value ?? o.reason]);
      text(seen); let none = 0; for await (const o of as_settled([])) none++; text(none);
      const i = as_settled([1]); text(i[Symbol.asyncIterator]() === i); text([(await i.next()).done, (await i.next()).done, (await i.next()).done]);
      const [a, b, c] = await Promise.all([1, 2, 3].map(function () { return this.next(); }, as_settled([1, sleep(0).catch(() => {})].slice(0, 1)))); text([a.done, b.done, c.done]);`),
    ['[[0,"fulfilled",1],[1,"fulfilled",2],[2,"rejected",3],[3,"fulfilled",4]]', "0", "true", "[false,true,true]", "[false,true,true]"],
  );
});

test("to leave early is fine, and a rejection that nobody took harms nobody", async () => {
  const engine = new Engine();
  await engine.run("for await (const o of as_settled([tools.get(), tools.get(), tools.get()])) { text(o.value); break; } text('left'); await tools.get();");
  assert.deepEqual(await engine.answer([3, 0, "first"]), [["TEXT", "first"], ["TEXT", "left"], ["CALL", 4, "get", "{}"]]);
  assert.deepEqual(await engine.answer([1, 1, { message: "m" }], [4, 0, 0]), [["COMPLETED"]]);
});

test("what cannot be gone through is a TypeError, and what throws on the way throws", async () => {
  assert.deepEqual(
    await texts(`
      for (const bad of [1, null, undefined, {}, (async function* () {})(), {[Symbol.iterator]: () => ({next: () => 1})}]) try { as_settled(bad); text("no"); } catch (e) { text(e.name); }
      try { as_settled((function* () { yield 1; throw new RangeError("mine"); })()); } catch (e) { text(e.message); }`),
    [...Array(6).fill("TypeError"), "mine"],
  );
});

test("while one waits for calls or timers the script is not stalled, and afterwards it is", async () => {
  const engine = new Engine();
  await engine.run("for await (const o of as_settled([tools.get(), sleep(50), new Promise(() => {})])) text(o.index);");
  assert.ok(engine.port.state > 0);
  assert.deepEqual(await engine.tick(1000), [["TEXT", "1"]]);
  assert.equal(engine.port.state, -1);
  assert.deepEqual(await engine.answer([1, 0, 0]), [["TEXT", "0"]]);
  assert.equal(engine.port.state, -2);
});

test("a hundred thousand promises are gone through", async () => {
  const said = await runRead(
    "const all = Array.from({length: 100_000}, (_, i) => i % 2 ? i : Promise.resolve(i)); let n = 0, sum = 0; for await (const o of as_settled(all)) { n++; sum += o.value; } text(n); text(sum);",
  );
  assert.deepEqual(said, [["TEXT", "100000"], ["TEXT", "4999950000"], ["COMPLETED"]]);
});
