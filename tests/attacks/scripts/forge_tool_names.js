// ATTACK: forge_tool_names
// CLASS: forge
// MUST: tools asked for by odd names reject as unknown, and call nothing
// EXPECT: {"status": ["completed"], "no_forged": true, "made": [], "expect_text": "ok"}
const odd = ["", " ", "\0", "\ud800", "x".repeat(1e5), "echo ", "Echo", "echo\n", "tools", "ALL_TOOLS", "default", "0", "-1", "é", "\u2028", "files/read", "../echo", "{}", "null"];
let rejected = 0;
for (const name of odd) try { output_text("FORGED " + (await tools[name]())); } catch (e) { if (e.code === "tool_not_found") rejected++; else output_text(String(e)); }
for (const k of ["__proto__", "constructor", "toString", "then", "toJSON", "hasOwnProperty", Symbol.iterator]) if (tools[k] !== undefined) output_text("FORGED");
output_text(rejected === odd.length ? "ok" : "WRONG " + rejected);
