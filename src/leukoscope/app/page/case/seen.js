/** The banner of a case with images that the model was trained on. */

import { h } from "../lib/dom.js";
import { count, integer } from "../lib/format.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

/** The flag of such an image, as the server writes it. */
const SEEN = "seen in training";

/** @param {CaseFile} file @returns {HTMLElement|false} False without such an image. */
export function seenNotice(file) {
  const cells = [...file.cells.values()];
  const seen = cells.filter((cell) => cell.flags.includes(SEEN)).length;
  return (
    seen > 0 &&
    h(
      "p",
      { class: "note warning", role: "status" },
      `SEEN IN TRAINING: ${integer(seen)} of ${count(cells.length, "image")} are among those that the model was trained or calibrated on. Its answers for them say nothing about other cells.`,
    )
  );
}
