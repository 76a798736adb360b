// What stands on the global object: the helpers and what a script expects of a modern runtime; and what must not stand there.

import { apply, defineProperty, freeze, objectKeys } from "./primordials.js";
import { output_audio, output_content, output_image, output_text } from "./output.js";
import { notify, set_max_output_tokens_per_exec_call, set_yield_time, yield_control } from "./control.js";
import { exit } from "./failure.js";
import { load, store } from "./store.js";
import { clearInterval, clearTimeout, setInterval, setTimeout, sleep } from "./timers.js";
import { scriptConsole } from "./console.js";
import { hiddenValue } from "./define.js";
import { later } from "./later.js";
import { queueMicrotask } from "./callbacks.js";

/** Shared memory and its waits are the runner's own; a finalizer would be the one task that runs while nobody looks. */
const ABSENT = ["Atomics", "SharedArrayBuffer", "WebAssembly", "FinalizationRegistry"];

/** The runtime's globals that are made when a script first asks for one of them. */
const MADE_LATER = [
  "AbortController", "AbortSignal", "DOMException", "Event", "EventTarget", "TextDecoder", "TextEncoder", "URL",
  "URLSearchParams", "atob", "btoa", "crypto", "performance", "structuredClone",
];

/** A helper that is made when it is first called. */
const laterHelper = (name) => ({ [name]: (...given) => apply(later()[name], undefined, given) })[name];

export const helpers = {
  output_text,
  text: output_text,
  output_image,
  image: output_image,
  output_audio,
  audio: output_audio,
  output_content,
  content: output_content,
  store,
  load,
  set_yield_time,
  yield_control,
  detach: yield_control,
  set_max_output_tokens_per_exec_call,
  notify,
  exit,
  sleep,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  search_tools: laterHelper("search_tools"),
  describe_tool: laterHelper("describe_tool"),
  as_settled: laterHelper("as_settled"),
};

const install = (name, value) => hiddenValue(globalThis, name, value);

for (const name of ABSENT) delete globalThis[name];
for (const name of objectKeys(helpers)) {
  freeze(helpers[name]);
  install(name, helpers[name]);
}
freeze(helpers);
install("console", scriptConsole);
install("queueMicrotask", queueMicrotask);

for (const name of MADE_LATER) {
  const get = () => {
    const made = later()[name];
    install(name, made);
    return made;
  };
  const set = (value) => install(name, value);
  defineProperty(globalThis, name, { __proto__: null, get, set, enumerable: false, configurable: true });
}

/** The two globals that depend on the cell's tools. */
export function installTools(modules) {
  install("tools", modules.tools);
  install("ALL_TOOLS", modules.allTools);
}
