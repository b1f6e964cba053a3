/** Measurements of a cell and the most similar drawn example cells, as lists. */

import { h, setVars } from "../lib/dom.js";
import { significant, percent, integer } from "../lib/format.js";
import { glyph, verdictOfLabel } from "./verdicts.js";

/** @typedef {Record<string, number|null>} Features */
/** @typedef {import("../server/types.js").Neighbor} Neighbor */

/** Longer texts of some flags. */
const FLAGS = /** @type {Record<string, string>} */ ({
  empty: "The image is empty: no pixel is brighter than black.",
  "no black border":
    "The background is not black. The model was trained on cells cut out on a black background, so do not rely on this prediction.",
});

/** @param {string} flag @returns {string} */
export function flagText(flag) {
  return FLAGS[flag] ?? flag;
}

/** @type {[string, (f: Features) => string|null, string][]} Name, value, and explanation. */
const MEASURES = [
  [
    "Area",
    ({ area }) => ifNumber(area, (v) => `${integer(Math.round(v))} px²`),
    "of the cell, in pixels",
  ],
  ["Extent", extent, "width and height"],
  [
    "Elongation",
    ({ eccentricity }) => ifNumber(eccentricity, (v) => significant(v, 2)),
    "0: circle; near 1: line",
  ],
  [
    "Smoothness",
    ({ solidity }) => ifNumber(solidity, (v) => significant(v, 3)),
    "1: outline without dents",
  ],
  ["Saturation", ({ saturation }) => ifNumber(saturation, percent), "of the mean color"],
  [
    "Sharpness",
    ({ sharpness }) => ifNumber(sharpness, (v) => significant(v, 3)),
    "higher is sharper; low: out of focus",
  ],
  [
    "Pieces",
    ({ pieces }) => ifNumber(pieces, (v) => integer(v)),
    "more than 1: torn or badly cut out",
  ],
  ["At the edge", ({ border }) => ifNumber(border, percent), "of the image border is not black"],
];

/** @param {Features|null|undefined} features @returns {HTMLElement|null} */
export function measurementList(features) {
  if (!features) return null;
  const rows = MEASURES.map(([name, value, what]) => {
    const text = value(features);
    return (
      text && h("div", {}, h("dt", {}, name), h("dd", {}, text, h("span", { class: "soft" }, what)))
    );
  });
  return h("dl", { class: "facts" }, rows, color(features));
}

/** @param {Neighbor[]|null|undefined} neighbors @returns {HTMLElement|null} */
export function neighborList(neighbors) {
  if (!neighbors?.length) return null;
  return h(
    "ul",
    { class: "neighbors" },
    neighbors.map(({ name, label, similarity, synthetic }) => {
      const verdict = verdictOfLabel(label);
      return h(
        "li",
        {},
        h("img", {
          src: `/v1/examples/${encodeURIComponent(name)}`,
          alt: `Example cell ${name}`,
          loading: "lazy",
        }),
        h("span", { class: "verdict" }, glyph(verdict), verdict.verdict),
        h("span", { class: "soft" }, `similarity ${similarity.toFixed(2)}`),
        synthetic && h("span", { class: "tag" }, "synthetic"),
      );
    }),
  );
}

/** @param {Features} features */
function extent({ width, height }) {
  return ifNumber(width, (w) => ifNumber(height, (v) => `${integer(w)} × ${integer(v)} px`));
}

/** @param {Features} features */
function color({ red, green, blue }) {
  if (typeof red !== "number" || typeof green !== "number" || typeof blue !== "number") return null;
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  setVars(swatch, { "--swatch": `rgb(${red} ${green} ${blue})` });
  const values = [red, green, blue].map((value) => Math.round(value)).join(", ");
  return h(
    "div",
    {},
    h("dt", {}, "Color"),
    h("dd", {}, swatch, values, h("span", { class: "soft" }, "mean red, green, blue")),
  );
}

/**
 * @param {number|null|undefined} value
 * @param {(value: number) => string|null} words
 */
function ifNumber(value, words) {
  return typeof value === "number" ? words(value) : null;
}
