/** Actions on the selected cells: review them, set their subject, or remove them from the case. */

import { confirm, dialog, open } from "../lib/dialogs.js";
import { h, setText, tellHeight } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { choices } from "./filter.js";
import { reviewMany } from "./reviewmany.js";
import { problem, toast } from "../lib/toast.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */
/** @typedef {import("./grid.js").Grid} Grid */

/** @param {CaseFile} file @param {Grid} grid @returns {HTMLElement} */
export function selectionBar(file, grid) {
  const text = h("p", { role: "status" });
  const button = (/** @type {string} */ word, /** @type {() => void} */ onclick, kind = "") =>
    h("button", { type: "button", class: kind, onclick }, word);
  const bar = h(
    "div",
    { class: "selection", role: "group", "aria-label": "Selected cells", hidden: true },
    text,
    button("Set subject…", () => askSubject(file, grid), "primary"),
    button("Review…", () => reviewMany(file, [...grid.selected], () => grid.clearSelection())),
    button("Select all shown", () => grid.selectShown()),
    button("Remove…", () => void removeCells(file, [...grid.selected])),
    button("Clear", () => grid.clearSelection(), "plain"),
  );
  grid.selectionChanged.on((selected) => {
    bar.hidden = selected.size === 0;
    setText(text, `${count(selected.size, "cell")} selected`);
  });
  tellHeight(bar, "--selection");
  return bar;
}

/**
 * Remove cells from the case after a confirmation.
 *
 * @param {CaseFile} file
 * @param {number[]} ids
 * @returns {Promise<boolean>} Whether they were removed.
 */
export async function removeCells(file, ids) {
  const sure = await confirm({
    title: `Remove ${count(ids.length, "cell")}?`,
    text: "Their predictions and reviews will be removed from this case permanently. Your own files are not changed.",
    word: "Remove",
  });
  if (!sure) return false;
  try {
    await file.remove(ids);
  } catch (error) {
    problem("Some cells could not be removed.", error);
    return false;
  }
  toast(`${count(ids.length, "cell")} removed from the case.`);
  return true;
}

/** @param {CaseFile} file @param {Grid} grid */
function askSubject(file, grid) {
  const ids = [...grid.selected];
  const known = choices(file.cells.values()).subjects.filter(([name]) => name);
  const input = h("input", {
    type: "text",
    maxlength: 100,
    list: "subjects",
    autocomplete: "off",
  });
  const save = async () => {
    try {
      await file.move(ids, input.value.trim());
    } catch (error) {
      problem("The subject could not be set.", error);
      return;
    }
    box.close();
    grid.clearSelection();
    const name = input.value.trim();
    const done = name ? `Subject ${name} set` : "Subject cleared";
    toast(`${done} for ${count(ids.length, "cell")}.`);
  };
  const box = dialog(
    { title: `Subject of ${count(ids.length, "cell")}`, class: "small" },
    h(
      "form",
      {
        method: "dialog",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void save();
        },
      },
      h("label", {}, "Subject", input),
      h(
        "datalist",
        { id: "subjects" },
        known.map(([value]) => h("option", { value })),
      ),
      h(
        "p",
        { class: "soft" },
        "Cells of one subject are counted together. Leave empty for no subject.",
      ),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", onclick: () => box.close() }, "Cancel"),
        h("button", { type: "submit", class: "primary" }, "Set subject"),
      ),
    ),
  );
  open(box, input);
}
