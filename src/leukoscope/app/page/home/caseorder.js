/** Search and order of the list of cases. Pure functions. */

import { byName } from "../lib/format.js";

/** @typedef {import("../server/types.js").CaseHead} CaseHead */

/** @param {CaseHead} head @returns {number} */
export function numberOfCells(head) {
  return Object.values(head.verdicts).reduce((sum, n) => sum + n, 0);
}

/** @type {Record<string, {word: string, compare: (a: CaseHead, b: CaseHead) => number}>} */
export const ORDERS = {
  updated: { word: "Latest change", compare: (a, b) => b.updated.localeCompare(a.updated) },
  created: { word: "Newest", compare: (a, b) => b.created.localeCompare(a.created) },
  name: { word: "Name", compare: (a, b) => byName(a.name, b.name) },
  cells: { word: "Most cells", compare: (a, b) => numberOfCells(b) - numberOfCells(a) },
  open: {
    word: "Most to review",
    compare: (a, b) => numberOfCells(b) - b.reviewed - (numberOfCells(a) - a.reviewed),
  },
};

/**
 * The cases in whose name, notes, subjects or model every word of `text` occurs.
 *
 * @param {CaseHead[]} heads
 * @param {string} text
 * @returns {CaseHead[]}
 */
export function chosen(heads, text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return heads.filter((head) => {
    const subjects = head.subjects.map(({ subject }) => subject);
    const all = [head.name, head.notes, head.model, ...subjects].join("\n").toLowerCase();
    return wanted.every((word) => all.includes(word));
  });
}

/** @param {CaseHead[]} heads @param {string} order A key of ORDERS. @returns {CaseHead[]} */
export function inOrder(heads, order) {
  const { compare } = ORDERS[order] ?? ORDERS.updated;
  return [...heads].sort((a, b) => compare(a, b) || byName(a.name, b.name));
}
