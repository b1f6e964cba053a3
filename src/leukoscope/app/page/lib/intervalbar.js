/** A value and its interval on a line from 0 to 1; the numbers are beside it as text. */

import { h, setVars } from "./dom.js";

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {HTMLElement}
 */
export function intervalBar(value, low, high) {
  const bar = h(
    "div",
    { class: "interval", "aria-hidden": "true" },
    h("span", { class: "interval-range" }),
    h("span", { class: "interval-value" }),
  );
  setVars(bar, { "--low": low, "--high": high, "--value": value });
  return bar;
}
