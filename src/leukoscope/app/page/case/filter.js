/** Filter and sort cells. Pure functions. */

import { byName } from "../lib/format.js";
import { differs, rankOf, shownProbability } from "../cell/verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */

/**
 * @typedef {object} View
 * @property {keyof typeof ORDERS} sort
 * @property {boolean} descending
 * @property {string[]} verdicts Empty: all.
 * @property {string|null} subject null: all; "": cells without subject.
 * @property {string} flag "": all; "none": cells without flags.
 * @property {string} review "": all; or a key of REVIEWS.
 * @property {number} low Lower bound of the probability, in percent.
 * @property {number} high
 * @property {string} text Part of a file name or subject.
 */

/** @type {Readonly<View>} */
export const SHOW_ALL = Object.freeze({
  sort: "added",
  descending: false,
  verdicts: [],
  subject: null,
  flag: "",
  review: "",
  low: 0,
  high: 100,
  text: "",
});

/** @type {Record<string, {word: string, compare: (a: Cell, b: Cell) => number}>} */
export const ORDERS = {
  added: { word: "Order added", compare: () => 0 },
  probability: { word: "Probability", compare: byProbability },
  subject: { word: "Subject", compare: (a, b) => byName(a.subject, b.subject) },
  verdict: { word: "Verdict", compare: (a, b) => rankOf(a.verdict) - rankOf(b.verdict) },
  name: { word: "File name", compare: (a, b) => byName(a.name, b.name) },
};

/** @type {Record<string, {word: string, test: (cell: Cell) => boolean}>} */
export const REVIEWS = {
  open: { word: "Not reviewed", test: (cell) => !cell.review },
  done: { word: "Reviewed", test: (cell) => Boolean(cell.review) },
  corrected: { word: "Corrected", test: differs },
};

/**
 * The cells to show, in order. Ties keep the order in which cells were added; cells without a
 * probability are always last.
 *
 * @param {Iterable<Cell>} cells
 * @param {View} view
 * @returns {Cell[]}
 */
export function filterAndSort(cells, view) {
  const shown = [...cells].filter((cell) => matches(cell, view));
  const sign = view.descending ? -1 : 1;
  const { compare } = ORDERS[view.sort] ?? ORDERS.added;
  return shown.sort((a, b) => {
    const [p, q] = [shownProbability(a), shownProbability(b)];
    if (view.sort === "probability" && (p === null || q === null))
      return Number(p === null) - Number(q === null) || a.id - b.id;
    const order = sign * compare(a, b);
    return order || (view.sort === "added" ? sign : 1) * (a.id - b.id);
  });
}

/** @param {Cell} cell @param {View} view @param {{verdicts?: boolean}} [ignore] Filters to ignore. */
export function matches(cell, view, ignore = {}) {
  if (!ignore.verdicts && view.verdicts.length && !view.verdicts.includes(cell.verdict))
    return false;
  if (view.subject !== null && cell.subject !== view.subject) return false;
  if (view.flag === "none" ? cell.flags.length : view.flag && !cell.flags.includes(view.flag))
    return false;
  if (view.review && !REVIEWS[view.review].test(cell)) return false;
  return inRange(shownProbability(cell), view) && hasText(cell, view.text);
}

/** @param {View} view @returns {number} Number of filters that are set, without verdicts. */
export function filtersSet(view) {
  const ranged = view.low > 0 || view.high < 100;
  return [view.subject !== null, view.flag, view.review, ranged, view.text.trim()].filter(Boolean)
    .length;
}

/**
 * Count the cells of each verdict that match the other filters.
 *
 * @param {Iterable<Cell>} cells
 * @param {View} [view]
 * @returns {Map<string, number>}
 */
export function countVerdicts(cells, view = SHOW_ALL) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const cell of cells)
    if (matches(cell, view, { verdicts: true }))
      counts.set(cell.verdict, (counts.get(cell.verdict) ?? 0) + 1);
  return counts;
}

/**
 * All subjects and flags with their number of cells, in natural order.
 *
 * @param {Iterable<Cell>} cells
 * @returns {{subjects: [string, number][], flags: [string, number][]}}
 */
export function choices(cells) {
  /** @type {Map<string, number>} */
  const subjects = new Map();
  /** @type {Map<string, number>} */
  const flags = new Map();
  for (const cell of cells) {
    subjects.set(cell.subject, (subjects.get(cell.subject) ?? 0) + 1);
    for (const flag of cell.flags) flags.set(flag, (flags.get(flag) ?? 0) + 1);
  }
  const order = (/** @type {Map<string, number>} */ map) =>
    [...map].sort(([a], [b]) => Number(!a) - Number(!b) || byName(a, b));
  return { subjects: order(subjects), flags: order(flags) };
}

/** @param {Cell} a @param {Cell} b */
function byProbability(a, b) {
  return (a.p_all ?? 0) - (b.p_all ?? 0);
}

/** @param {number|null} p @param {View} view */
function inRange(p, { low, high }) {
  if (low <= 0 && high >= 100) return true;
  return p !== null && p * 100 >= low && p * 100 <= high;
}

/** @param {Cell} cell @param {string} text */
function hasText(cell, text) {
  const wanted = text.trim().toLowerCase();
  return !wanted || `${cell.name}\n${cell.subject}`.toLowerCase().includes(wanted);
}
