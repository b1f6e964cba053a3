/** The keyboard shortcuts: their list, and the key of an event. */

import { dialog, open } from "./dialogs.js";
import { h } from "./dom.js";

const KEYS = [
  ["Arrows, J, K", "go to the next or previous cell"],
  ["Enter", "open the cell"],
  ["A", "agree with the verdict"],
  ["B", "label it as blast"],
  ["N", "label it as normal"],
  ["X, T", "label it as not a cell; cannot tell"],
  ["1 to 9", "label it as another type of cell, from your list"],
  ["U", "undo the latest review"],
  ["S", "select the cell, to review several, set their subject or remove them"],
  ["H", "show or hide heatmaps"],
  ["+, −, 0", "zoom the open cell in or out, or reset its view"],
  ["Esc", "close, or clear the selection"],
  ["?", "show this list"],
];

export function showKeys() {
  if (document.querySelector("dialog.keys")) return;
  const box = dialog(
    { title: "Keyboard shortcuts", class: "small keys" },
    h("p", { class: "soft" }, "They work while a cell has the focus or is open."),
    h(
      "dl",
      { class: "keys" },
      KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what))),
    ),
  );
  open(box);
}

/**
 * The key of an event in lower case; "" if it belongs to a text field or to the browser.
 *
 * @param {KeyboardEvent} event
 * @returns {string}
 */
export function plainKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  const target = /** @type {Element} */ (event.target);
  if (target.matches("textarea, select, input:not([type=checkbox], [type=button])")) return "";
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}
