/** Everything about one cell: prediction, measurements, similar examples, and file. */

import { isHidden } from "./blind.js";
import { flagText, neighborList, measurementList } from "./measurements.js";
import { h } from "../lib/dom.js";
import { date, percent, percentOneDecimal } from "../lib/format.js";
import { limitWords, zoneVars } from "../case/limits.js";
import { glyph, shownProbability, title, verdictOf } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {import("../server/types.js").AbstentionThresholds} AbstentionThresholds */

/**
 * Verdict, probability, reason and flags.
 *
 * @param {Cell} cell
 * @param {AbstentionThresholds|null} abstains
 * @returns {Child[]}
 */
export function predictionView(cell, abstains) {
  const p = shownProbability(cell);
  return [
    verdictLine(cell, p),
    p !== null && scale(p, cell.threshold, abstains),
    cell.reason && h("p", {}, title(cell.reason)),
    cell.flags.map((flag) => h("p", { class: "note warning" }, flagText(flag))),
  ];
}

/** @param {Cell} cell @param {() => void} remove @returns {Child[]} */
export function detailsView(cell, remove) {
  const measurements = measurementList(cell.features);
  const neighbors = isHidden(cell) ? null : neighborList(cell.neighbors);
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
        h("h3", {}, "Most similar synthetic examples"),
        neighbors,
        h(
          "p",
          { class: "soft small-text" },
          "These examples are synthetic. They are not cells of a person, and the model was not trained on them. Similarity from 0 to 1, by the features of the model. It is not evidence for the verdict.",
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

/** @param {Cell} cell @param {number|null} p */
function verdictLine(cell, p) {
  const verdict = verdictOf(cell.verdict);
  return h(
    "p",
    { class: "big-verdict" },
    glyph(verdict),
    title(verdict.verdict),
    p !== null && h("span", { class: "soft" }, percent(p)),
  );
}

/** @param {number} p @param {number} threshold @param {AbstentionThresholds|null} abstains */
function scale(p, threshold, abstains) {
  const vars = { "--p": p, ...zoneVars(threshold, abstains) };
  return [
    h("div", { class: "p-scale", "aria-hidden": "true", vars }, h("span", { class: "p-dot" })),
    h(
      "p",
      { class: "soft small-text" },
      `Probability of ALL: ${percentOneDecimal(p)}; ${limitWords(threshold, abstains)}.`,
    ),
  ];
}

/** @param {string} name @param {Child} value */
function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}
