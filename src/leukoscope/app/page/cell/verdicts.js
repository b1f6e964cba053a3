/**
 * The one table of verdicts: word, shape, and what a review says. Colors are in style.css under
 * the same keys; shape and word carry the meaning without them.
 */

import { svg } from "../lib/dom.js";
import { capital } from "../lib/format.js";

/**
 * @typedef {object} Verdict
 * @property {string} word As the server says it.
 * @property {string} key For CSS and SVG.
 * @property {string} plural
 * @property {string|null} label What a person who agrees says; null where there is nothing to agree to.
 * @property {[string, Record<string, string|number>]} shape In a box of 16 x 16.
 */

/** @type {Verdict[]} */
export const VERDICTS = [
  {
    word: "blast",
    key: "blast",
    plural: "blasts",
    label: "ALL",
    shape: ["circle", { cx: 8, cy: 8, r: 6.5, fill: "currentColor" }],
  },
  {
    word: "uncertain",
    key: "uncertain",
    plural: "uncertain",
    label: null,
    shape: ["path", { d: "M8 .8 15.2 8 8 15.2.8 8Z", fill: "currentColor" }],
  },
  {
    word: "normal",
    key: "normal",
    plural: "normal",
    label: "HEM",
    shape: [
      "circle",
      { cx: 8, cy: 8, r: 5.4, fill: "none", stroke: "currentColor", "stroke-width": 2.4 },
    ],
  },
  {
    word: "not a cell",
    key: "none",
    plural: "not a cell",
    label: "not a cell",
    shape: ["path", { d: "M8 1.4 15.2 14.4H.8Z", fill: "currentColor" }],
  },
  {
    word: "error",
    key: "error",
    plural: "errors",
    label: null,
    shape: [
      "path",
      { d: "m3 3 10 10M13 3 3 13", stroke: "currentColor", "stroke-width": 2.6, fill: "none" },
    ],
  },
];

/** @param {string} word @returns {boolean} Whether another threshold may change the verdict. */
export function fromProbability(word) {
  return word === "blast" || word === "normal" || word === "uncertain";
}

/** What a review's label is called on the page. */
export const LABELS = /** @type {Record<string, string>} */ ({
  ALL: "blast",
  HEM: "normal",
  "not a cell": "not a cell",
});

const BY_WORD = new Map(VERDICTS.map((verdict) => [verdict.word, verdict]));

/**
 * A verdict by the server's word; one this page does not know is shown by its word alone.
 *
 * @param {string} word
 * @returns {Verdict}
 */
export function verdictOf(word) {
  return BY_WORD.get(word) ?? { ...VERDICTS[4], word, plural: word };
}

/** @param {Verdict} verdict @returns {SVGElement} Decoration: the word stands beside it. */
export function glyph(verdict) {
  const [tag, shape] = verdict.shape;
  return svg(
    "svg",
    { class: `glyph v-${verdict.key}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg(tag, shape),
  );
}

/** @param {string} word @returns {string} */
export function title(word) {
  return capital(word);
}
