// How one part of a URL record is changed. What cannot be is left as it is, by the URL standard.

import { parseHost } from "./host.js";
import { USERINFO, percentEncode } from "./percent.js";
import {
  parseFileHost, parsePort, readAbsolutePath, readFragment, readQuery, splitHost, withoutTabs,
} from "./url_parser.js";
import {
  DEFAULT_PORTS, Refusal, UnsupportedHost, canHaveCredentials, hasCredentials, hasOpaquePath, isSpecial,
} from "./url_record.js";

/** Runs a change that stops where it is refused. A host that we alone refuse is an error. */
function unlessRefused(change) {
  try {
    change();
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown instanceof UnsupportedHost) throw thrown;
  }
}

export function setProtocol(url, value) {
  const scheme = /^([a-z][a-z\d+.-]*)(?:$|:)/i.exec(withoutTabs(value))?.[1].toLowerCase();
  if (scheme === undefined || (scheme in DEFAULT_PORTS) !== isSpecial(url)) return;
  if (scheme === "file" && (hasCredentials(url) || url.port !== null)) return;
  if (url.scheme === "file" && url.host === "") return;
  url.scheme = scheme;
  if (url.port === DEFAULT_PORTS[scheme]) url.port = null;
}

export function setUsername(url, value) {
  if (canHaveCredentials(url)) url.username = percentEncode(value, USERINFO);
}

export function setPassword(url, value) {
  if (canHaveCredentials(url)) url.password = percentEncode(value, USERINFO);
}

function changePort(url, text) {
  const digits = /^\d+/.exec(text)?.[0];
  if (digits !== undefined) url.port = parsePort(url, digits);
}

function changeHost(url, text, takesPort) {
  const [host, port] = splitHost(text);
  const mayBeEmpty = !isSpecial(url) && !hasCredentials(url) && url.port === null && port === null;
  if ((host === "" && !mayBeEmpty) || (port !== null && !takesPort)) return;
  url.host = parseHost(host, isSpecial(url));
  if (port !== null) changePort(url, port);
}

/** Takes the host, and the port too where `takesPort`, from the beginning of the value. */
export function setHost(url, value, takesPort) {
  if (hasOpaquePath(url)) return;
  const text = withoutTabs(value).split(isSpecial(url) ? /[/\\?#]/ : /[/?#]/, 1)[0];
  unlessRefused(() => {
    if (url.scheme === "file") url.host = parseFileHost(text);
    else changeHost(url, text, takesPort);
  });
}

export function setPort(url, value) {
  if (!canHaveCredentials(url)) return;
  if (value === "") url.port = null;
  else unlessRefused(() => changePort(url, withoutTabs(value)));
}

export function setPath(url, value) {
  if (hasOpaquePath(url)) return;
  readAbsolutePath(url, withoutTabs(value));
  if (url.path.length === 0 && url.host === null) url.path.push("");
}

/** An empty value takes the query away; a question mark before it is no part of it. */
export function setQuery(url, value) {
  if (value === "") url.query = null;
  else readQuery(url, withoutTabs(value.replace(/^\?/, "")));
}

/** An empty value takes the fragment away; a number sign before it is no part of it. */
export function setFragment(url, value) {
  if (value === "") url.fragment = null;
  else readFragment(url, withoutTabs(value.replace(/^#/, "")));
}
