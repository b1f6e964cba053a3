/** Views, selected by the part of the URL after #. */

import { afterEntries } from "./entries.js";

/** @typedef {{view: "home"|"case"|"model", id: string}} Route */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [, view = "", id = ""] = hash.split("/");
  if (view === "case" && id) return { view: "case", id: decode(id) };
  return { view: view === "model" ? "model" : "home", id: "" };
}

/** @param {string} hash @param {{instead?: boolean}} [how] `instead`: Back leads to the view before this one. */
export function go(hash, { instead = false } = {}) {
  void afterEntries(() => {
    if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
    else if (instead) location.replace(hash);
    else location.hash = hash;
  });
}

/** Follow links to views by `go`, which waits for a dialog that is just closing. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest('a[href^="#/"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
    event.preventDefault();
    go(link.getAttribute("href") ?? "#/");
  });
}

/** @param {string} id @returns {string} */
export function caseHash(id) {
  return `#/case/${encodeURIComponent(id)}`;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
