/** Review the selected cells together, with one label. */

import { dialog, open } from "../lib/dialogs.js";
import { h } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { problem, toast } from "../lib/toast.js";
import { canReview, labelActions, reviewer, undo } from "../cell/review.js";
import { glyph, verdictOfLabel } from "../cell/verdicts.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

/**
 * Ask for the label of cells, and save it.
 *
 * @param {CaseFile} file
 * @param {number[]} ids
 * @param {() => void} onSaved
 */
export function reviewMany(file, ids, onSaved) {
  const cells = ids.map((id) => file.cells.get(id)).filter((cell) => cell !== undefined);
  const seen = cells.filter(canReview).map(({ id }) => id);
  const left = cells.length - seen.length;
  if (!seen.length) {
    toast("The images of these cells are not shown, so they cannot be reviewed.");
    return;
  }
  const save = async (/** @type {string} */ label) => {
    box.close();
    try {
      await file.reviewAll(seen, { label, reviewer: reviewer(), note: "" });
    } catch (error) {
      problem("The reviews could not be saved.", error);
      return;
    }
    onSaved();
    toast(`Saved: ${count(seen.length, "cell")} reviewed as ${verdictOfLabel(label).verdict}.`, {
      action: { word: "Undo", run: () => void undo(file) },
    });
  };
  const buttons = labelActions().map(({ word, label }) => {
    const verdict = verdictOfLabel(label);
    return h("button", { type: "button", onclick: () => void save(label) }, glyph(verdict), word);
  });
  const box = dialog(
    { title: `Review ${count(seen.length, "cell")} as…`, class: "small" },
    left > 0 &&
      h("p", { class: "note" }, `${count(left, "cell")} without an image will be left out.`),
    h("div", { class: "review-buttons" }, buttons),
  );
  open(box, buttons[0]);
}
