/** A collapsible section of the side column. */

import { h } from "./dom.js";

/**
 * @param {string} title
 * @param {boolean} open
 * @param {...import("./dom.js").Child} children
 * @returns {HTMLDetailsElement}
 */
export function panel(title, open, ...children) {
  return h(
    "details",
    { class: "panel", open },
    h("summary", {}, h("h2", {}, title)),
    h("div", { class: "panel-body" }, children),
  );
}

/** @returns {boolean} Whether the side column is beside the cells, not above them. */
export function isWide() {
  return matchMedia("(min-width: 1000px)").matches;
}
