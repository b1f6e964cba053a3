/** The labels of a review: the classes, and other types of cells from a list that the user edits. */

import { dialog, open } from "../lib/dialogs.js";
import { h } from "../lib/dom.js";
import { recall, remember } from "../lib/prefs.js";
import { Signal } from "../lib/signal.js";

export const CANNOT_TELL = "cannot tell";

/** The list was edited. @type {Signal<string[]>} */
export const typesChanged = new Signal();

const PREFERENCE = "cell-types";
const DEFAULT = ["monocyte", "granulocyte", "erythroblast", "smudge cell"];
/** Each type has a digit key. */
const MOST = 9;
const LONGEST = 40;
const NOT_TYPES = ["all", "hem", "blast", "normal", "not a cell", CANNOT_TELL];

/** @returns {string[]} The other types of cells, as this browser lists them. */
export function cellTypes() {
  const stored = recall(PREFERENCE, "\n");
  return stored === "\n" ? DEFAULT : parseTypes(stored);
}

/**
 * The types in a text with one per line; the names of the classes are not among them.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function parseTypes(text) {
  const names = text.split("\n").map((line) => line.replace(/\s+/g, " ").trim().slice(0, LONGEST));
  const kept = names.filter((name) => name && !NOT_TYPES.includes(name.toLowerCase()));
  return [...new Set(kept.map((name) => name.trim()))].slice(0, MOST);
}

/** Ask for the list. */
export function editTypes() {
  const field = h("textarea", { rows: MOST, value: cellTypes().join("\n") });
  const save = () => {
    remember(PREFERENCE, parseTypes(field.value).join("\n"));
    box.close();
    typesChanged.emit(cellTypes());
  };
  const box = dialog(
    { title: "Other types of cells", class: "small" },
    h("label", {}, `One per line, ${MOST} at most`, field),
    h(
      "p",
      { class: "soft small-text" },
      "The list is stored in this browser. Existing reviews keep their label.",
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", onclick: () => box.close() }, "Cancel"),
      h("button", { type: "button", class: "primary", onclick: save }, "Save"),
    ),
  );
  open(box, field);
}
