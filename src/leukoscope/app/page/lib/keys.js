/** The keys, in one table: what does them, and the list that "?" shows. */

import { dialog } from "./dialogs.js";
import { h } from "./dom.js";

const KEYS = [
  ["Arrows, J, K", "go to the next or previous cell"],
  ["Enter", "open the cell large"],
  ["A", "agree with the verdict"],
  ["B", "it is a blast"],
  ["N", "it is normal"],
  ["X", "it is not a cell"],
  ["U", "take back the latest review"],
  ["S", "select the cell, to group or remove it"],
  ["H", "heatmaps on or off"],
  ["Esc", "close, or end the selection"],
  ["?", "show these keys"],
];

export function showKeys() {
  if (document.querySelector("dialog.keys")) return;
  const box = dialog(
    { title: "Keys", class: "small keys" },
    h(
      "p",
      { class: "soft" },
      "They work while a cell of the grid has the focus, or is open large.",
    ),
    h(
      "dl",
      { class: "keys" },
      KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what))),
    ),
  );
  box.showModal();
}

/**
 * The plain key of an event, lower case; "" where it belongs to a text field or to the browser.
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
