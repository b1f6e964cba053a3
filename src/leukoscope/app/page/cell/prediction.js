/** Everything about one cell: prediction, measurements, similar examples, and file. */

import { flagText, neighborList, measurementList } from "./measurements.js";
import { h } from "../lib/dom.js";
import { date, percent, percentOneDecimal } from "../lib/format.js";
import { glyph, title, verdictOf } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../lib/dom.js").Child} Child */

/** @param {Cell} cell @returns {Child[]} Verdict, probability, reason and flags. */
export function predictionView(cell) {
  return [
    verdictLine(cell),
    cell.p_all !== null && scale(cell.p_all, cell.threshold),
    cell.reason && h("p", {}, title(cell.reason)),
    cell.flags.map((flag) => h("p", { class: "note warning" }, flagText(flag))),
  ];
}

/** @param {Cell} cell @param {() => void} remove @returns {Child[]} */
export function detailsView(cell, remove) {
  const measurements = measurementList(cell.features);
  const neighbors = neighborList(cell.neighbors);
  const imageMissing = !cell.picture && !cell.has_image && cell.verdict !== "error";
  return [
    imageMissing &&
      h(
        "p",
        { class: "note" },
        "The image is not kept. Add the same file again to see image, heatmap and measurements.",
      ),
    measurements && h("section", {}, h("h3", {}, "Measurements"), measurements),
    neighbors &&
      h(
        "section",
        {},
        h("h3", {}, "Most similar example cells"),
        neighbors,
        h(
          "p",
          { class: "soft small-text" },
          "Similarity from 0 to 1, by the features of the model. It is not evidence for the verdict.",
        ),
      ),
    h(
      "section",
      {},
      h("h3", {}, "File"),
      h(
        "dl",
        { class: "facts file-facts" },
        fact("Name", cell.name || "none"),
        fact("Subject", cell.subject || "none"),
        fact("Predicted", `${date(cell.answered)}, model ${cell.model}`),
        cell.sha256 && fact("SHA-256", h("code", {}, cell.sha256)),
      ),
      h(
        "button",
        { type: "button", class: "plain danger", onclick: remove },
        "Remove from this case…",
      ),
    ),
  ];
}

/** @param {Cell} cell */
function verdictLine(cell) {
  const verdict = verdictOf(cell.verdict);
  return h(
    "p",
    { class: "big-verdict" },
    glyph(verdict),
    title(verdict.verdict),
    cell.p_all !== null && h("span", { class: "soft" }, percent(cell.p_all)),
  );
}

/** @param {number} p @param {number} threshold */
function scale(p, threshold) {
  return [
    h(
      "div",
      { class: "p-scale", "aria-hidden": "true", vars: { "--p": p, "--t": threshold } },
      h("span", { class: "p-threshold" }),
      h("span", { class: "p-dot" }),
    ),
    h(
      "p",
      { class: "soft small-text" },
      `Probability of ALL: ${percentOneDecimal(p)}. Threshold: ${percentOneDecimal(threshold)}.`,
    ),
  ];
}

/** @param {string} name @param {Child} value */
function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
