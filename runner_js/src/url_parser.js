// From text to a URL record, by the URL standard. Its state machine is written as functions of the parts between the
// delimiters: a fragment begins at the first `#` and a query at the first `?` before it, whatever the scheme.

import { parseHost } from "./host.js";
import { CONTROLS, FRAGMENT, PATH, QUERY, SPECIAL_QUERY, USERINFO, percentEncode } from "./percent.js";
import { DEFAULT_PORTS, Refusal, hasOpaquePath, isSpecial } from "./url_record.js";

const SCHEME = /^[a-z][a-z\d+.-]*(?=:)/i;
const SINGLE_DOT = /^(?:\.|%2e)$/i;
const DOUBLE_DOT = /^(?:\.|%2e){2}$/i;
const DRIVE_LETTER = /^[a-z][:|]$/i;
const NORMALIZED_DRIVE_LETTER = /^[a-z]:$/i;
const STARTS_WITH_DRIVE_LETTER = /^[a-z][:|](?:$|[/\\])/i;
/** A host ends at the first colon that stands in no bracket. */
const HOST = /^(?:[^[:]+|\[[^\]]*\]?)*/;

/** The text before the first `delimiter` and what comes after it, or null where there is none. */
function cut(text, delimiter) {
  const at = text.indexOf(delimiter);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** The text before what `pattern` finds first, and the rest from there. */
function cutBefore(text, pattern) {
  const at = text.search(pattern);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

export const withoutTabs = (text) => text.replace(/[\t\n\r]/g, "");

function trimmed(text) {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (start < end && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

/** What ends a host and a segment of the path. */
const slashOf = (url) => (isSpecial(url) ? /[/\\]/ : /\//);
const startsWithSlash = (url, text) => text.startsWith("/") || (isSpecial(url) && text.startsWith("\\"));
const startsWithTwoSlashes = (url, text) => startsWithSlash(url, text) && startsWithSlash(url, text.slice(1));

/** One level up; a drive letter is the top. */
function shortenPath(url) {
  const atDrive = url.scheme === "file" && url.path.length === 1 && NORMALIZED_DRIVE_LETTER.test(url.path[0]);
  if (!atDrive) url.path.pop();
}

/** Walks from where the path stands along the segments of `text`. */
function appendPath(url, text) {
  const segments = text.split(slashOf(url));
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    if (DOUBLE_DOT.test(segment)) {
      shortenPath(url);
      if (isLast) url.path.push("");
    } else if (SINGLE_DOT.test(segment)) {
      if (isLast) url.path.push("");
    } else if (url.scheme === "file" && url.path.length === 0 && DRIVE_LETTER.test(segment)) {
      url.path.push(segment[0] + ":");
    } else {
      url.path.push(percentEncode(segment, PATH));
    }
  });
}

/** A path that begins at the root. That of a special URL is never empty. */
export function readAbsolutePath(url, text) {
  url.path = [];
  if (text !== "" || isSpecial(url)) appendPath(url, startsWithSlash(url, text) ? text.slice(1) : text);
}

export function readQuery(url, text) {
  url.query = percentEncode(text, isSpecial(url) ? SPECIAL_QUERY : QUERY);
}

export function readFragment(url, text) {
  url.fragment = percentEncode(text, FRAGMENT);
}

/** Host and port of what stands before the path; the port is null where there is no colon. */
export function splitHost(text) {
  const host = HOST.exec(text)[0];
  return [host, host === text ? null : text.slice(host.length + 1)];
}

/** The port, or null for none and for the scheme's own. */
export function parsePort(url, text) {
  const port = Number(text);
  if (!/^\d*$/.test(text) || port > 65535) throw new Refusal();
  return text === "" || port === DEFAULT_PORTS[url.scheme] ? null : port;
}

/** The host of a file URL; this machine's is empty. */
export function parseFileHost(text) {
  const host = text === "" ? "" : parseHost(text, true);
  return host === "localhost" ? "" : host;
}

function readCredentials(url, text) {
  const [username, password] = cut(text, ":");
  url.username = percentEncode(username, USERINFO);
  url.password = percentEncode(password ?? "", USERINFO);
}

/** `user:password@host:port/path`; a special URL may have any number of slashes before it. */
function readAuthority(url, text) {
  const [authority, path] = cutBefore(isSpecial(url) ? text.replace(/^[/\\]+/, "") : text, slashOf(url));
  const at = authority.lastIndexOf("@");
  if (at >= 0) readCredentials(url, authority.slice(0, at));
  const [host, port] = splitHost(authority.slice(at + 1));
  if (host === "" && (at >= 0 || port !== null || isSpecial(url))) throw new Refusal();
  url.host = parseHost(host, isSpecial(url));
  if (port !== null) url.port = parsePort(url, port);
  readAbsolutePath(url, path);
}

/** A path from where that of the base stands; where there is none, the base's query stays too. */
function readRelativePath(url, text, base) {
  url.path = [...base.path];
  if (text === "") {
    url.query = base.query;
  } else {
    shortenPath(url);
    appendPath(url, text);
  }
}

function readRelative(url, text, base) {
  if (startsWithTwoSlashes(url, text)) {
    readAuthority(url, text.slice(2));
    return;
  }
  const { username, password, host, port } = base;
  Object.assign(url, { username, password, host, port });
  if (startsWithSlash(url, text)) readAbsolutePath(url, text);
  else readRelativePath(url, text, base);
}

/** `//host/path`, where a drive letter is no host but the path's beginning. */
function readFileAuthority(url, text) {
  const [host, path] = cutBefore(text, slashOf(url));
  if (DRIVE_LETTER.test(host)) {
    appendPath(url, text);
  } else {
    url.host = parseFileHost(host);
    readAbsolutePath(url, path);
  }
}

/** What comes after `file:`; the base is a file URL or null, and a path that names no drive stays on its drive. */
function readFile(url, text, base) {
  url.host = "";
  if (startsWithTwoSlashes(url, text)) {
    readFileAuthority(url, text.slice(2));
    return;
  }
  const isAbsolute = startsWithSlash(url, text);
  const path = isAbsolute ? text.slice(1) : text;
  const namesDrive = STARTS_WITH_DRIVE_LETTER.test(path);
  if (base !== null) url.host = base.host;
  if (base === null || namesDrive) {
    appendPath(url, path);
  } else if (isAbsolute) {
    if (NORMALIZED_DRIVE_LETTER.test(base.path[0])) url.path = [base.path[0]];
    appendPath(url, path);
  } else {
    readRelativePath(url, path, base);
  }
}

/** What comes after a scheme whose paths we know nothing of: text, unless a slash says that it is more. */
function readUnknown(url, text) {
  if (text.startsWith("//")) readAuthority(url, text.slice(2));
  else if (text.startsWith("/")) readAbsolutePath(url, text);
  else url.path = percentEncode(text, CONTROLS).replace(/ $/, "%20");
}

/** What comes after the scheme. A special URL may go on from a base that has the same one. */
function readAfterScheme(url, text, base) {
  const ownBase = base?.scheme === url.scheme ? base : null;
  if (!isSpecial(url)) readUnknown(url, text);
  else if (url.scheme === "file") readFile(url, text, ownBase);
  else if (ownBase === null) readAuthority(url, text);
  else readRelative(url, text, ownBase);
}

/** A text without a scheme goes on from the base; one whose path is opaque can only get another fragment. */
function readWithoutScheme(url, text, base, isFragment) {
  if (!hasOpaquePath(base)) {
    if (url.scheme === "file") readFile(url, text, base);
    else readRelative(url, text, base);
  } else if (isFragment) {
    url.path = base.path;
    url.query = base.query;
  } else {
    throw new Refusal();
  }
}

/**
 * The record of a URL; `base` is one too, or null.
 *
 * Throws a Refusal for what is no URL.
 */
export function parseUrl(input, base) {
  const [beforeFragment, fragment] = cut(withoutTabs(trimmed(input)), "#");
  const [text, query] = cut(beforeFragment, "?");
  const scheme = SCHEME.exec(text)?.[0];
  if (scheme === undefined && base === null) throw new Refusal();
  const url = {
    scheme: scheme === undefined ? base.scheme : scheme.toLowerCase(),
    username: "", password: "", host: null, port: null, path: [], query: null, fragment: null,
  };
  if (scheme === undefined) readWithoutScheme(url, text, base, beforeFragment === "" && fragment !== null);
  else readAfterScheme(url, text.slice(scheme.length + 1), base);
  if (query !== null) readQuery(url, query);
  if (fragment !== null) readFragment(url, fragment);
  return url;
}
