/** The model page: what it is, how well it did and on whom, its limits, its operating point. */

import { uncertainRange } from "../case/plotdata.js";
import { curvePlot } from "../case/curveplot.js";
import { h } from "../lib/dom.js";
import {
  CROSS_VALIDATION,
  count,
  percentOneDecimal,
  describePersons,
  integer,
} from "../lib/format.js";
import { servedModel } from "../server/models.js";
import { vocabulary } from "../server/vocabulary.js";
import { intervalBar } from "../case/summary.js";

/** @typedef {import("../server/types.js").ModelEntry} ModelEntry */
/** @typedef {{value: number|null, low: number|null, high: number|null, part: string, persons: number, cells: number}} Measured */

/** The metrics to read first; the others are behind a button. */
const FIRST = ["sensitivity", "specificity", "auroc", "balanced_accuracy"];

/** @returns {Promise<import("../case/caseview.js").View>} */
export async function modelView() {
  document.title = "Model · Leukoscope";
  const model = await servedModel();
  const { card } = model;
  return {
    element: h(
      "div",
      { class: "view model-view" },
      h("h1", { tabindex: -1 }, `Model ${model.name}`),
      h("p", { class: "lead" }, introduction(card)),
      card.training?.split?.leaky &&
        h(
          "p",
          { class: "note warning" },
          "LEAKY: the same persons can stand in training and test, so these results are too good to be true.",
        ),
      card.training?.synthetic &&
        h(
          "p",
          { class: "note warning" },
          "Trained on SYNTHETIC cells. What it says about real cells means nothing.",
        ),
      operating(model),
      results(card.results ?? {}),
      limits(card),
      facts(model),
    ),
  };
}

/** @param {any} card */
function introduction(card) {
  const { crop, size } = card.input;
  return `It looks at the central ${crop} × ${crop} pixels of an image (at ${size} × ${size}) and gives a calibrated probability that the cell is a leukemic blast (ALL) and not a normal lymphoid cell (HEM).`;
}

/** @param {ModelEntry} model */
function operating(model) {
  const { operating_point: point, operating_curve: curve } = model.card;
  const own = point?.threshold ?? 0.5;
  return h(
    "section",
    { class: "panel", "aria-labelledby": "point-title" },
    h("h2", { id: "point-title" }, "Operating point"),
    point
      ? h(
          "p",
          {},
          `A cell is called a blast from a probability of ${percentOneDecimal(own)}. That was set for a sensitivity of ${percentOneDecimal(point.target_recall)} on ${describePersons(point.set_on)} (${count(point.set_on.cells, "cell")}), and gave a specificity of ${percentOneDecimal(point.specificity)} there.`,
        )
      : h("p", {}, "None was set: a cell is called a blast from 50 %."),
    abstention(model.card),
    curve
      ? curvePlot(curve, own)
      : h("p", { class: "soft" }, "The card holds no figures for other thresholds."),
    h(
      "p",
      { class: "note" },
      "These figures come from a handful of persons. On other persons, and above all on other microscopes and stains, the same threshold gives another sensitivity and another specificity. A case can have its own threshold; it is set in the case.",
    ),
  );
}

/** @param {any} card @returns {HTMLElement} When it gives no answer, and what that is worth. */
function abstention({ abstention: limits, operating_point: point }) {
  if (!limits) return h("p", {}, "It never abstains: every probability is answered for.");
  const { all_from: blast, hem_to: normal } = limits;
  const [low, high] = uncertainRange(point?.threshold ?? 0.5, {
    all_from: blast.value,
    hem_to: normal.value,
  });
  const promised = blast.guaranteed && normal.guaranteed;
  const persons = `${count(blast.persons, "person")} with leukemia and ${count(normal.persons, "healthy one")}`;
  return h(
    "p",
    {},
    `From ${percentOneDecimal(low)} to ${percentOneDecimal(high)} it says “uncertain”, so that of blasts ${percentOneDecimal(blast.alpha)} and of normal cells ${percentOneDecimal(normal.alpha)} lose their own class at most. That was set on ${persons}, ${promised ? "and is promised on average over persons like them" : "which is too few to promise it for others"}.`,
  );
}

/** @param {Record<string, Measured>} all */
function results(all) {
  const names = [
    ...FIRST,
    ...vocabulary().metrics.map(({ key }) => key),
    ...Object.keys(all),
  ].filter((name, at, list) => name in all && list.indexOf(name) === at);
  if (!names.length)
    return h(
      "section",
      { class: "panel" },
      h("h2", {}, "Results"),
      h("p", {}, "The card holds no results: nobody knows how good this model is."),
    );
  const { part, persons, cells } = all[names[0]];
  const who =
    part === "test"
      ? "never seen in training"
      : part === CROSS_VALIDATION
        ? "by models made in the same way, which had not seen them; this one has seen everyone"
        : `of the ${part} part`;
  const first = names.filter((name) => FIRST.includes(name));
  const rest = names.filter((name) => !FIRST.includes(name));
  return h(
    "section",
    { class: "panel", "aria-labelledby": "results-title" },
    h("h2", { id: "results-title" }, "Results"),
    h(
      "p",
      {},
      `Measured on ${integer(cells)} cells of ${count(persons, "person")} ${who}. The interval says how much a figure would move with other persons (95 %).`,
    ),
    table(first, all, "Main results"),
    rest.length > 0 &&
      h("details", {}, h("summary", {}, "All measures"), table(rest, all, "Further results")),
  );
}

/** @param {string[]} names @param {Record<string, Measured>} all @param {string} caption */
function table(names, all, caption) {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: 0 },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Measure", "Value", "95 % interval", ""].map((word) =>
            word ? h("th", { scope: "col" }, word) : h("td", {}),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        names.map((name) => measureRow(name, all[name])),
      ),
    ),
  );
}

/** @param {string} name @param {Measured} one */
function measureRow(name, { value, low, high }) {
  const metric = vocabulary().metrics.find(({ key }) => key === name);
  const interval =
    low === null || high === null ? "none" : `${low.toFixed(3)} to ${high.toFixed(3)}`;
  const drawn = value !== null && low !== null && high !== null && low >= 0;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      metric?.title ?? name.replaceAll("_", " "),
      h("span", { class: "soft" }, metric?.meaning),
    ),
    h("td", { class: "number" }, value === null ? "undefined" : value.toFixed(3)),
    h("td", { class: "number" }, interval),
    h("td", { class: "bar-cell" }, drawn && intervalBar(value, low, high)),
  );
}

/** @param {any} card */
function limits(card) {
  const persons = Object.values(card.training?.persons ?? {}).reduce(
    (sum, list) => sum + list.length,
    0,
  );
  const said = [
    `It knows cells as in ${card.data.name}: one laboratory's microscope and stain, each cell cut out on black. ${card.out_of_distribution ? "It calls what looks otherwise “not a cell”, as far as it can tell; what looks alike gets an answer, a cell or not." : "Other images are answered for without any ground."}`,
    persons > 0 &&
      `It was made with the cells of ${count(persons, "person")}. Scores swing from person to person: read the intervals, not the mean.`,
    "Cell size is a shortcut. A model that leans on it calls a healthy person with large cells leukemic, and a leukemic one with small cells normal.",
    !card.out_of_distribution &&
      "It knows no limits: any picture that is not empty gets an answer, a cell or not.",
    "The heatmap shows what raised and lowered the answer. It does not show why, and not that the answer is right.",
  ];
  return h(
    "section",
    { class: "panel", "aria-labelledby": "limits-title" },
    h("h2", { id: "limits-title" }, "Limits"),
    h(
      "ul",
      { class: "limits" },
      said.map((one) => one && h("li", {}, one)),
    ),
  );
}

/** @param {ModelEntry} model */
function facts({ facts: pairs, sha256 }) {
  const own = pairs.filter(([name]) => !name.startsWith("Measured "));
  return h(
    "section",
    { class: "panel", "aria-labelledby": "facts-title" },
    h("h2", { id: "facts-title" }, "Card"),
    h(
      "dl",
      { class: "card-facts" },
      [...own, ["File (SHA-256)", sha256]].map(([name, text]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, text)),
      ),
    ),
  );
}
