/** How many images of a case are cells, and how many are not: said apart wherever they are counted. */

import { isHidden } from "../cell/blind.js";
import { verdictOf } from "../cell/verdicts.js";
import { count } from "../lib/format.js";

/** @typedef {import("../server/types.js").Cell} Cell */

/** @param {string} verdict @returns {boolean} Whether an image with this verdict is a cell. */
function isCell(verdict) {
  return verdictOf(verdict).from_probability;
}

/**
 * @param {Iterable<Cell>} images A picture whose verdict is hidden counts as a cell: the number must not tell it.
 * @returns {string} "12 cells", "12 cells and 3 other files"
 */
export function contentsOf(images) {
  const all = [...images];
  const others = all.filter((one) => !isHidden(one) && !isCell(one.verdict)).length;
  return contentsWords(all.length - others, others);
}

/** @param {Record<string, number>} verdicts Number of images by verdict. @returns {string} */
export function contentsOfVerdicts(verdicts) {
  let [cells, others] = [0, 0];
  for (const [verdict, n] of Object.entries(verdicts))
    if (isCell(verdict)) cells += n;
    else others += n;
  return contentsWords(cells, others);
}

/** @param {number} cells @param {number} others */
function contentsWords(cells, others) {
  const more = others > 0 && count(others, "other file");
  return cells || !more ? `${count(cells, "cell")}${more ? ` and ${more}` : ""}` : more;
}
