/** The answer for a subject and the reviews of its cells, in words. */

import { count, integer, percent } from "../lib/format.js";

/** @typedef {import("../server/types.js").SubjectSummary} SubjectSummary */
/** @typedef {import("../server/types.js").SubjectAnswer} SubjectAnswer */
/** @typedef {import("./figures.js").ReviewCounts} ReviewCounts */

export const NO_PATIENT = "No statement about a patient.";

/** @param {string} subject @returns {string} */
export function subjectName(subject) {
  return subject || "Images without a subject, taken as one";
}

/** With too few cells the answer has no fraction of blasts. @param {SubjectAnswer} answer */
export function hasEnoughCells(answer) {
  return answer.blasts !== null;
}

/** @param {SubjectAnswer} answer @returns {string} "0.83 (95 % 0.61 to 0.94)"; "" with too few cells. */
export function probabilityWords(answer) {
  const { probability: p, low, high } = answer;
  if (!hasEnoughCells(answer) || p === null || low === null || high === null) return "";
  return `${p.toFixed(2)} (95 % ${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/**
 * "By review: 12 of 20 blasts, 8 open."
 *
 * @param {ReviewCounts} counts
 * @returns {string}
 */
export function reviewWords({ blasts, normal, other, open }) {
  const sorted = blasts + normal;
  const parts = [
    sorted || other ? `${integer(blasts)} of ${integer(sorted)} blasts` : "no cell reviewed",
    other > 0 && `${integer(other)} with another label`,
    `${integer(open)} open`,
  ];
  return `By your review: ${parts.filter(Boolean).join(", ")}.`;
}

/** @param {ReviewCounts} counts @returns {string} "" without a cell to compare. */
export function agreementWords({ compared, agreed }) {
  if (!compared) return "";
  return `Model and review agree on ${integer(agreed)} of ${count(compared, "cell")} with an answer (${percent(agreed / compared)}).`;
}
