// A parsed URL as a record: {scheme, username, password, host, port, path, query, fragment}, percent-encoded where it
// has to be. Host, query and fragment are text or null, the port a number or null. The path is a list of segments, or a
// text where no relative one can go on from it (`mailto:…`).

export const DEFAULT_PORTS = { __proto__: null, ftp: 21, file: null, http: 80, https: 443, ws: 80, wss: 443 };

/** Why a text is no URL. */
export class Refusal {
  constructor(message = "Invalid URL") {
    this.message = message;
  }
}

/** It is one by the standard, and we cannot read it. */
export class UnsupportedHost extends Refusal {}

export const isSpecial = (url) => url.scheme in DEFAULT_PORTS;
export const hasOpaquePath = (url) => typeof url.path === "string";
export const hasCredentials = (url) => url.username !== "" || url.password !== "";
/** Credentials and a port stand beside a host, which a file URL and one with an opaque path have no use for. */
export const canHaveCredentials = (url) => url.host !== null && url.host !== "" && url.scheme !== "file";

export function hostText(url) {
  if (url.host === null) return "";
  return url.port === null ? url.host : `${url.host}:${url.port}`;
}

export function pathText(url) {
  return hasOpaquePath(url) ? url.path : url.path.map((segment) => "/" + segment).join("");
}

function credentialsText(url) {
  if (!hasCredentials(url)) return "";
  return url.password === "" ? `${url.username}@` : `${url.username}:${url.password}@`;
}

/** What stands between scheme and path; `/.` keeps a path that begins with `//` from being read as a host. */
function authorityText(url) {
  if (url.host !== null) return "//" + credentialsText(url) + hostText(url);
  return !hasOpaquePath(url) && url.path.length > 1 && url.path[0] === "" ? "/." : "";
}

/** The whole URL. */
export function urlText(url) {
  const query = url.query === null ? "" : "?" + url.query;
  const fragment = url.fragment === null ? "" : "#" + url.fragment;
  return url.scheme + ":" + authorityText(url) + pathText(url) + query + fragment;
}
