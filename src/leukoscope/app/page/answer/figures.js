/** The figures of a subject beside the server's answer, from the cells in the page. Pure functions. */

import { agrees, shownProbability, verdictOf } from "../cell/verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */

/**
 * @typedef {object} ReviewCounts
 * @property {number} blasts Cells reviewed as blast.
 * @property {number} normal Cells reviewed as normal.
 * @property {number} other Cells with another label.
 * @property {number} open Cells that can be reviewed and are not.
 * @property {number} compared Cells with an answer of the model, reviewed as blast or normal.
 * @property {number} agreed Those of them where both are the same.
 */

/** @param {Iterable<Cell>} cells @returns {ReviewCounts} */
export function reviewCounts(cells) {
  const counts = { blasts: 0, normal: 0, other: 0, open: 0, compared: 0, agreed: 0 };
  for (const cell of cells) {
    const label = cell.review?.label;
    if (!label) counts.open += Number(cell.verdict !== "error");
    else if (label === "ALL") counts.blasts += 1;
    else if (label === "HEM") counts.normal += 1;
    else counts.other += 1;
    const answer = verdictOf(cell.verdict).label;
    const classes = ["ALL", "HEM"];
    if (label && answer && classes.includes(label) && classes.includes(answer)) {
      counts.compared += 1;
      counts.agreed += Number(agrees(cell));
    }
  }
  return counts;
}

/** @param {Iterable<Cell>} cells @returns {number|null} Mean probability of ALL of the usable cells. */
export function meanProbability(cells) {
  let sum = 0;
  let n = 0;
  for (const cell of cells) {
    const p = shownProbability(cell);
    if (p === null) continue;
    sum += p;
    n += 1;
  }
  return n ? sum / n : null;
}

/** @param {Iterable<Cell>} cells @returns {Map<string, Cell[]>} */
export function bySubject(cells) {
  /** @type {Map<string, Cell[]>} */
  const groups = new Map();
  for (const cell of cells) {
    const group = groups.get(cell.subject);
    if (group) group.push(cell);
    else groups.set(cell.subject, [cell]);
  }
  return groups;
}
