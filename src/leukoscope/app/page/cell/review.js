/** What a person can say about a cell, how it is recorded, and how it is taken back. */

import { baseName } from "../lib/format.js";
import { recall, remember } from "../lib/prefs.js";
import { problem, toast } from "../lib/toast.js";
import { agrees, verdictOf, verdictOfLabel } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

/**
 * @typedef {object} Action
 * @property {string} key
 * @property {string} word
 * @property {(cell: Cell) => string|null} label What it records; null where it can't be said.
 */

/** @type {Action[]} */
export const ACTIONS = [
  { key: "a", word: "Agree", label: (cell) => verdictOf(cell.verdict).label },
  { key: "b", word: "It is a blast", label: () => "ALL" },
  { key: "n", word: "It is normal", label: () => "HEM" },
  { key: "x", word: "Not a cell", label: () => "not a cell" },
];

/** @returns {string} Who reviews at this browser; may be empty. */
export function reviewer() {
  return recall("reviewer", "");
}

/** @param {string} name */
export function setReviewer(name) {
  remember("reviewer", name.trim().slice(0, 100));
}

/** @param {Cell} cell @returns {string} "Reviewed: blast (agrees)"; "" where not reviewed. */
export function reviewText(cell) {
  if (!cell.review) return "";
  const { verdict } = verdictOfLabel(cell.review.label);
  return `Reviewed: ${verdict} (${agrees(cell) ? "agrees" : "corrected"})`;
}

/**
 * Record a review and say so, with a way back.
 *
 * @param {CaseFile} file
 * @param {number} id
 * @param {Action} action
 * @param {string} [note]
 * @returns {Promise<boolean>} Whether it is recorded.
 */
export async function review(file, id, action, note = "") {
  const cell = file.cells.get(id);
  const label = cell && action.label(cell);
  if (!cell || !label) {
    toast("There is no verdict to agree with: say what it is instead.");
    return false;
  }
  try {
    await file.review(id, { label, reviewer: reviewer(), note: note.slice(0, 1000) });
  } catch (error) {
    problem("The review was not recorded.", error);
    return false;
  }
  toast(`Recorded: ${baseName(cell.name)} is ${article(label)}.`, {
    action: { word: "Undo", run: () => void undo(file) },
  });
  return true;
}

/** @param {CaseFile} file @returns {Promise<Cell|null>} The cell that went back. */
export async function undo(file) {
  try {
    const cell = await file.undo();
    const now = cell.review ? `is ${article(cell.review.label)} again` : "is not reviewed";
    toast(`Taken back: ${baseName(cell.name)} ${now}.`);
    return cell;
  } catch (error) {
    problem("Nothing was taken back.", error);
    return null;
  }
}

/** @param {string} label */
function article(label) {
  const { verdict } = verdictOfLabel(label);
  return verdict === "blast" ? "a blast" : verdict;
}
