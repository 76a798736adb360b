// The modules that a script may import: namespaces that nobody can write to, and `tools`, which knows what it lacks.

import {
  ErrorOf, MapOf, ProxyOf, TO_STRING_TAG, bare, defineProperty, freeze, hasOwn, mapGet, mapSet, objectKeys, ownKeys, toText,
} from "./primordials.js";
import { cell } from "./cell.js";
import { missingToolFunction, toolFunction } from "./calls.js";
import { codedError } from "./define.js";
import { later } from "./later.js";

const HELPER_MODULES = ["codemode", "@openai/code_mode", "openai/code_mode"];

/** What `tools` answers with undefined, though a script may ask: names that the language itself looks up. */
const silent = bare();
for (const key of ownKeys(Object.prototype)) silent[key] = true;
silent.then = true;
silent.toJSON = true;

const toolsHandler = freeze({
  __proto__: null,
  get(target, key) {
    if (typeof key === "symbol" || hasOwn(target, key)) return target[key];
    return silent[key] === true ? undefined : missingToolFunction(key);
  },
});

/** The identifiers of the tools by the functions that call them. */
const identifiers = new MapOf();

/** The identifier of the tool that a function calls; undefined for any other value. */
export const identifierOf = (call) => mapGet(identifiers, call);

function namespace(exports) {
  defineProperty(exports, TO_STRING_TAG, { __proto__: null, value: "Module" });
  return freeze(exports);
}

/** Every module by its specifier, the two globals among them: {namespaces, tools, allTools}. */
export function makeModules(helpers) {
  const namespaces = bare();
  const functions = bare();
  const all = [];
  namespaces["tools.js"] = bare();
  for (let i = 0; i < cell.tools.length; i++) {
    const tool = cell.tools[i];
    const identifier = tool[0];
    const module = tool[1];
    const name = tool[2];
    const call = toolFunction(identifier, identifier, tool[4]);
    mapSet(identifiers, call, identifier);
    functions[identifier] = call;
    namespaces["tools.js"][identifier] = call;
    if (module !== "tools.js") {
      namespaces[module] ??= bare();
      namespaces[module][name] = call;
    }
    all[i] = freeze({ module, name, description: tool[3] });
  }
  const tools = new ProxyOf(freeze(functions), toolsHandler);
  const allTools = freeze(all);
  namespaces["tools.js"].tools = tools;
  namespaces["tools.js"].ALL_TOOLS = allTools;
  for (const specifier of objectKeys(namespaces)) namespace(namespaces[specifier]);
  const codemode = bare();
  for (const name of objectKeys(helpers)) codemode[name] = helpers[name];
  namespace(codemode);
  for (const specifier of HELPER_MODULES) namespaces[specifier] = codemode;
  return { __proto__: null, namespaces: freeze(namespaces), tools, allTools };
}

/** What `import(specifier)` comes to. */
export function dynamicImport(namespaces) {
  return async (specifier) => {
    const name = toText(specifier);
    if (hasOwn(namespaces, name)) return namespaces[name];
    const near = later().suggestion(later().nearest(name, objectKeys(namespaces)));
    const message = 'there is no module "' + name + '"' + (near === "" ? "." : near) + " Modules: " + known(namespaces);
    throw codedError(ErrorOf, "module_not_found", message);
  };
}

function known(namespaces) {
  let text = "";
  const names = objectKeys(namespaces);
  for (let i = 0; i < names.length && i < 20; i++) text += (i === 0 ? "" : ", ") + names[i];
  return text;
}
