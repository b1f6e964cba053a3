/** Reviews: the labels a person can give a cell, saving them, and undo. */

import { baseName, capital } from "../lib/format.js";
import { isHidden } from "./blind.js";
import { CANNOT_TELL, cellTypes } from "./labels.js";
import { recall, remember } from "../lib/prefs.js";
import { problem, toast } from "../lib/toast.js";
import { agrees, differs, verdictOf, verdictOfLabel } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

/**
 * @typedef {object} Action
 * @property {string} key
 * @property {string} word
 * @property {boolean} [other] A type of cell from the user's list.
 * @property {(cell: Cell) => string|null} label Label to save; null if not available.
 */

/** @type {Action[]} */
const FIRST = [
  {
    key: "a",
    word: "Agree",
    label: (cell) => (isHidden(cell) ? null : verdictOf(cell.verdict).label),
  },
];

/** @returns {{key: string, word: string, label: string, other?: boolean}[]} Labels by their keys. */
export function labelActions() {
  return [
    { key: "b", word: "It is a blast", label: "ALL" },
    { key: "n", word: "It is normal", label: "HEM" },
    { key: "x", word: "Not a cell", label: "not a cell" },
    { key: "t", word: "Cannot tell", label: CANNOT_TELL },
    ...cellTypes().map((name, at) => ({
      key: String(at + 1),
      word: capital(name),
      label: name,
      other: true,
    })),
  ];
}

/** @returns {Action[]} */
export function actions() {
  const given = labelActions().map(({ label, ...rest }) => ({ ...rest, label: () => label }));
  return [...FIRST, ...given];
}

/**
 * Tell whether there is something to review: an image that is shown, of a file that could be read.
 *
 * @param {Cell} cell
 * @returns {boolean}
 */
export function canReview(cell) {
  return cell.verdict !== "error" && Boolean(cell.picture || cell.has_image);
}

/** @param {Cell} cell @returns {string} Why it cannot be reviewed. */
export function whyNot({ verdict }) {
  return verdict === "error"
    ? "This file could not be read, so it cannot be reviewed."
    : "The image is not shown, so it cannot be reviewed. Add the file again.";
}

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
  return `Reviewed: ${verdict} (${agrees(cell) ? "agrees" : differs(cell) ? "corrected" : "no answer to compare"})`;
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
  if (cell && !canReview(cell)) {
    toast(whyNot(cell));
    return false;
  }
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
  const own = ["normal", "not a cell", CANNOT_TELL];
  return own.includes(verdict) ? verdict : `${/^[aeiou]/i.test(verdict) ? "an" : "a"} ${verdict}`;
}
