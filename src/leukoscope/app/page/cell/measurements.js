/** What was measured on a cell and which example cells are like it, in plain words. */

import { h, setVars } from "../lib/dom.js";
import { significant, percent, integer } from "../lib/format.js";
import { glyph, verdictOfLabel } from "./verdicts.js";

/** @typedef {Record<string, number|null>} Features */
/** @typedef {import("../server/types.js").Neighbor} Neighbor */

/** What a flag means for the person who reads it. */
const FLAGS = /** @type {Record<string, string>} */ ({
  empty: "The picture is empty: nothing on it is brighter than black.",
  "no black border":
    "The cell does not lie on black. The model learned from cells cut out on black, so do not rely on this answer.",
});

/** @param {string} flag @returns {string} */
export function flagText(flag) {
  return FLAGS[flag] ?? flag;
}

/** @type {[string, (f: Features) => string|null, string][]} Name, value, and what it means. */
const MEASURES = [
  ["Area", ({ area }) => known(area, (v) => `${integer(Math.round(v))} px²`), "pixels of the cell"],
  ["Extent", extent, "width and height"],
  [
    "Elongation",
    ({ eccentricity }) => known(eccentricity, (v) => significant(v, 2)),
    "0 is a circle, towards 1 a line",
  ],
  [
    "Smoothness",
    ({ solidity }) => known(solidity, (v) => significant(v, 3)),
    "1 is an outline without dents",
  ],
  ["Saturation", ({ saturation }) => known(saturation, percent), "of the mean color"],
  [
    "Sharpness",
    ({ sharpness }) => known(sharpness, (v) => significant(v, 3)),
    "higher is sharper; low means out of focus",
  ],
  [
    "Pieces",
    ({ pieces }) => known(pieces, (v) => integer(v)),
    "more than 1: a torn or badly cut cell",
  ],
  ["At the edge", ({ border }) => known(border, percent), "of the picture's edge is not black"],
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
        h("span", { class: "soft" }, `alike ${similarity.toFixed(2)}`),
        synthetic && h("span", { class: "tag" }, "synthetic"),
      );
    }),
  );
}

/** @param {Features} features */
function extent({ width, height }) {
  return known(width, (w) => known(height, (v) => `${integer(w)} × ${integer(v)} px`));
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
function known(value, words) {
  return typeof value === "number" ? words(value) : null;
}
