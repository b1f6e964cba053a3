/**
 * How verdicts are drawn. Their names, order and meanings come from the server; shapes are here, and
 * colors in style.css, both by the color role. Shape and name carry the meaning without color.
 */

import { svg } from "../lib/dom.js";
import { capital } from "../lib/format.js";
import { CANNOT_TELL } from "./labels.js";
import { vocabulary } from "../server/vocabulary.js";

/** @typedef {import("../server/types.js").VerdictEntry} Verdict */

/** In a box of 16 x 16. @type {Record<string, [string, Record<string, string|number>]>} */
const SHAPES = {
  blast: ["circle", { cx: 8, cy: 8, r: 6.5, fill: "currentColor" }],
  uncertain: ["path", { d: "M8 .8 15.2 8 8 15.2.8 8Z", fill: "currentColor" }],
  normal: [
    "circle",
    { cx: 8, cy: 8, r: 5.4, fill: "none", stroke: "currentColor", "stroke-width": 2.4 },
  ],
  none: ["path", { d: "M8 1.4 15.2 14.4H.8Z", fill: "currentColor" }],
  other: ["rect", { x: 2, y: 2, width: 12, height: 12, fill: "currentColor" }],
  error: [
    "path",
    { d: "m3 3 10 10M13 3 3 13", stroke: "currentColor", "stroke-width": 2.6, fill: "none" },
  ],
};

/** @returns {Verdict[]} All verdicts, in the order in which to list them. */
export function verdicts() {
  return vocabulary().verdicts;
}

/**
 * @param {string} name
 * @returns {Verdict} A verdict this page does not know is shown by its name alone.
 */
export function verdictOf(name) {
  const unknown = { plural: name, meaning: "", color: "error", label: null };
  return (
    verdicts().find(({ verdict }) => verdict === name) ?? {
      ...unknown,
      verdict: /** @type {any} */ (name),
      from_probability: false,
    }
  );
}

/**
 * The probability of a cell whose verdict follows from it. That of any other image means nothing,
 * and no view shows it.
 *
 * @param {{verdict: string, p_all: number|null}} cell
 * @returns {number|null}
 */
export function shownProbability({ verdict, p_all }) {
  return verdictOf(verdict).from_probability ? p_all : null;
}

/** @param {string} name @returns {number} Its place in the order of verdicts. */
export function rankOf(name) {
  const place = verdicts().findIndex(({ verdict }) => verdict === name);
  return place < 0 ? verdicts().length : place;
}

/** @param {string} label Label of a review. @returns {Verdict} The verdict it agrees with. */
export function verdictOfLabel(label) {
  const known = verdicts().find((verdict) => verdict.label === label);
  return known ?? { ...verdictOf(label), color: label === CANNOT_TELL ? "uncertain" : "other" };
}

/**
 * @param {{verdict: string, review: {label: string}|null}} cell
 * @returns {boolean} Whether the review agrees with the model's verdict.
 */
export function agrees({ verdict, review }) {
  return review !== null && review.label === verdictOf(verdict).label;
}

/** @param {Parameters<typeof agrees>[0]} cell @returns {boolean} Whether it is another answer. */
export function differs({ verdict, review }) {
  if (review === null || review.label === CANNOT_TELL) return false;
  return review.label !== verdictOf(verdict).label;
}

/** @param {Verdict} verdict @returns {SVGElement} Decoration: the name is next to it. */
export function glyph({ color }) {
  const [tag, shape] = SHAPES[color] ?? SHAPES.error;
  return svg(
    "svg",
    { class: `glyph v-${color}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg(tag, shape),
  );
}

/** @param {string} text @returns {string} */
export function title(text) {
  return capital(text);
}
