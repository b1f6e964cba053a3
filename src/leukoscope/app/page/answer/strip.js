/**
 * A strip from 0 to 1 with the persons of the study, each predicted by a model that had not seen
 * them: the healthy in the upper row, the leukemic in the lower, and a subject across both.
 */

import { h } from "../lib/dom.js";
import { count, integer } from "../lib/format.js";

/** @typedef {{label: "ALL"|"HEM", mean_p: number}} StudyPerson */
/** @typedef {{healthy: number[], leukemic: number[]}} Study Mean probabilities of ALL, by person. */

/**
 * @param {import("../server/types.js").ModelEntry|null} model
 * @returns {Study|null} null if the card has no persons left out of both kinds.
 */
export function studyOf(model) {
  /** @type {StudyPerson[]} */
  const persons = model?.card.left_out ?? [];
  const of = (/** @type {string} */ label) =>
    persons.filter((one) => one.label === label).map((one) => one.mean_p);
  const study = { healthy: of("HEM"), leukemic: of("ALL") };
  return study.healthy.length && study.leukemic.length ? study : null;
}

/**
 * Where a value lies among the persons of the study, in words.
 *
 * @param {Study} study
 * @param {number} value
 * @returns {string}
 */
export function placeWords({ healthy, leukemic }, value) {
  const above = healthy.filter((one) => one >= value).length;
  const below = leukemic.filter((one) => one <= value).length;
  return (
    `${integer(above)} of ${count(healthy.length, "healthy person")} had a mean at least as high, ` +
    `${integer(below)} of ${integer(leukemic.length)} with leukemia one at least as low.`
  );
}

/**
 * @param {Study} study
 * @param {{name: string, value: number}[]} subjects
 * @returns {HTMLElement}
 */
export function strip({ healthy, leukemic }, subjects) {
  const row = (/** @type {string} */ kind, /** @type {number[]} */ values) =>
    h(
      "span",
      { class: `strip-row strip-${kind}` },
      values.map((value) => h("span", { class: "strip-person", vars: { "--at": value } })),
    );
  const told = subjects.map(({ name, value }) => `${name} ${value.toFixed(2)}`).join(", ");
  return h(
    "div",
    {
      class: "strip",
      role: "img",
      "aria-label": `Mean probability of ALL: ${told}; ${healthy.length} healthy persons from ${range(healthy)}, ${leukemic.length} with leukemia from ${range(leukemic)}.`,
    },
    row("healthy", healthy),
    row("leukemic", leukemic),
    subjects.map(({ name, value }) =>
      h("span", { class: "strip-subject", title: name, vars: { "--at": value } }),
    ),
  );
}

/** @param {Study} study @param {string} marked What the line across both rows is. */
export function stripLegend({ healthy, leukemic }, marked) {
  return h(
    "p",
    { class: "strip-legend soft small-text" },
    h("span", {}, h("span", { class: "strip-person strip-healthy" }), `${healthy.length} healthy`),
    h(
      "span",
      {},
      h("span", { class: "strip-person strip-leukemic" }),
      `${leukemic.length} leukemic`,
    ),
    h("span", {}, h("span", { class: "strip-subject" }), marked),
    h(
      "span",
      {},
      "Mean probability of ALL of a person’s cells, from 0 to 1. Persons of the study, each predicted by a model that had not seen them.",
    ),
  );
}

/** @param {number[]} values */
function range(values) {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}
