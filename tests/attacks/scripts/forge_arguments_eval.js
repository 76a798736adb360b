// ATTACK: forge_arguments_eval
// CLASS: forge
// MUST: `arguments`, its callee and `new.target` of the wrapper give nothing by a direct eval
// EXPECT: {"status": ["completed"], "no_text": "LEAK", "expect_text": "ok"}
const found = [];
for (const text of ["arguments.length", "Reflect.ownKeys(arguments).map(String).join()", "typeof arguments[0] + typeof arguments[1] + typeof arguments[2]", "arguments.callee", "arguments.callee.caller", "new.target", "this", "super.x", "import.meta", "return 1", "await 1"]) {
  try { found.push(text + "=" + String(eval(text))); } catch (e) { found.push(text + "!" + e.name); }
}
output_text(/function|\[object/.test(found.join(";")) ? "LEAK " + found.join(";") : "ok");
