/** Reviews: the labels a person can give a cell, saving them, and undo. */

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
 * @property {(cell: Cell) => string|null} label Label to save; null if not available.
 */

/** @type {Action[]} */
export const ACTIONS = [
  { key: "a", word: "Agree", label: (cell) => verdictOf(cell.verdict).label },
  { key: "b", word: "It is a blast", label: () => "ALL" },
  { key: "n", word: "It is normal", label: () => "HEM" },
  { key: "x", word: "Not a cell", label: () => "not a cell" },
];

/** @returns {string} Name of the reviewer in this browser; may be empty. */
export function reviewer() {
  return recall("reviewer", "");
}

/** @param {string} name */
export function setReviewer(name) {
  remember("reviewer", name.trim().slice(0, 100));
}

/** @param {Cell} cell @returns {string} "Reviewed: blast (agrees)"; "" if not reviewed. */
export function reviewText(cell) {
  if (!cell.review) return "";
  const { verdict } = verdictOfLabel(cell.review.label);
  return `Reviewed: ${verdict} (${agrees(cell) ? "agrees" : "corrected"})`;
}

/**
 * Save a review, and show a message with Undo.
 *
 * @param {CaseFile} file
 * @param {number} id
 * @param {Action} action
 * @param {string} [note]
 * @returns {Promise<boolean>} Whether it is saved.
 */
export async function review(file, id, action, note = "") {
  const cell = file.cells.get(id);
  const label = cell && action.label(cell);
  if (!cell || !label) {
    toast("There is no class to agree with. Choose a label instead.");
    return false;
  }
  try {
    await file.review(id, { label, reviewer: reviewer(), note: note.slice(0, 1000) });
  } catch (error) {
    problem("The review could not be saved.", error);
    return false;
  }
  toast(`Saved: ${baseName(cell.name)} is ${article(label)}.`, {
    action: { word: "Undo", run: () => void undo(file) },
  });
  return true;
}

/** @param {CaseFile} file @returns {Promise<Cell|null>} The cell of the undone review. */
export async function undo(file) {
  try {
    const cell = await file.undo();
    const now = cell.review ? `is ${article(cell.review.label)} again` : "is not reviewed";
    toast(`Undone: ${baseName(cell.name)} ${now}.`);
    return cell;
  } catch (error) {
    problem("The review could not be undone.", error);
    return null;
  }
}

/** @param {string} label */
function article(label) {
  const { verdict } = verdictOfLabel(label);
  return verdict === "blast" ? "a blast" : verdict;
}
