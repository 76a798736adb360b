// What is made only when a script first asks for it: whatever is imported here (see `bundle.py` and `later.js`).

import { AbortController, AbortSignal } from "./abort.js";
import { DOMException } from "./dom_exception.js";
import { Event } from "./event.js";
import { EventTarget } from "./event_target.js";
import { TextDecoder } from "./text_decoder.js";
import { TextEncoder } from "./text_encoder.js";
import { URL } from "./url.js";
import { URLSearchParams } from "./search_params.js";
import { as_settled } from "./as_settled.js";
import { atob, btoa } from "./base64.js";
import { crypto } from "./crypto.js";
import { describe_tool, search_tools } from "./search.js";
import { nearest, suggestion } from "./nearest.js";
import { performance } from "./performance.js";
import { structuredClone } from "./structured_clone.js";
import { tableText } from "./table.js";
