/** The model view: operating point, results, limitations, and the model card. */

import { uncertainRange } from "../case/plotdata.js";
import { curvePlot } from "../case/curveplot.js";
import { limitWords } from "../case/limits.js";
import { h, render } from "../lib/dom.js";
import {
  CROSS_VALIDATION,
  count,
  percentOneDecimal,
  describePersons,
  integer,
} from "../lib/format.js";
import { modelLabel, servedModels } from "../server/models.js";
import { vocabulary } from "../server/vocabulary.js";
import { intervalBar } from "../lib/intervalbar.js";

/** @typedef {import("../server/types.js").ModelEntry} ModelEntry */
/** @typedef {{value: number|null, low: number|null, high: number|null, part: string, persons: number, cells: number}} Measured */

/** The metrics to read first; the others are behind a button. */
const FIRST = ["sensitivity", "specificity", "auroc", "balanced_accuracy"];

/** @returns {Promise<import("../case/caseview.js").View>} */
export async function modelView() {
  document.title = "Model · Leukoscope";
  const models = await servedModels();
  const place = h("div", { class: "model-parts" });
  const show = (/** @type {string} */ sha256) => {
    const model = models.find((one) => one.sha256 === sha256) ?? models[0];
    render(place, description(model));
  };
  const select = h(
    "select",
    { onchange: () => show(select.value) },
    models.map((model) => h("option", { value: model.sha256 }, modelLabel(model))),
  );
  show(models[0].sha256);
  return {
    element: h(
      "div",
      { class: "view model-view" },
      models.length > 1 && h("label", { class: "inline" }, "Model", select),
      place,
    ),
  };
}

/** @param {ModelEntry} model */
function description(model) {
  const { card } = model;
  return [
    h("h1", { tabindex: -1 }, `Model ${model.name}`),
    h("p", { class: "lead" }, introduction(card)),
    card.training?.split?.leaky &&
      h(
        "p",
        { class: "note warning" },
        "LEAKY split: the same persons can be in training and test, so these results are too optimistic.",
      ),
    card.training?.synthetic &&
      h(
        "p",
        { class: "note warning" },
        "Trained on SYNTHETIC cells. Its predictions for real cells have no meaning.",
      ),
    operating(model),
    results(card.results ?? {}),
    limits(model),
    facts(model),
  ];
}

/** @param {any} card */
function introduction(card) {
  const { crop, size } = card.input;
  const resized = size === crop ? "" : ` (resized to ${size} × ${size})`;
  return `The model uses the central ${crop} × ${crop} pixels of an image${resized} and gives a calibrated probability that the cell is a leukemic blast (ALL) and not a normal lymphoid cell (HEM).`;
}

/** @param {ModelEntry} model */
function operating(model) {
  const { operating_point: point, operating_curve: curve } = model.card;
  const own = point?.threshold ?? 0.5;
  const abstains = limitsOf(model.card);
  return h(
    "section",
    { class: "panel", "aria-labelledby": "point-title" },
    h("h2", { id: "point-title" }, "Operating point"),
    point
      ? h(
          "p",
          {},
          `By the probability of ALL: ${limitWords(own, abstains)}. The threshold of ${percentOneDecimal(own)} was set for a sensitivity of ${percentOneDecimal(point.target_recall)} on ${count(point.set_on.cells, "cell")} of ${describePersons(point.set_on)}; the specificity there was ${percentOneDecimal(point.specificity)}${abstains ? ", with every cell classified" : ""}.`,
        )
      : h("p", {}, `Not set. By the probability of ALL: ${limitWords(own, abstains)}.`),
    abstention(model.card),
    curve
      ? curvePlot(curve, own, abstains)
      : h("p", { class: "soft" }, "The model card has no values for other thresholds."),
    h(
      "p",
      { class: "note" },
      "These values come from few persons. On other persons, and especially with other microscopes and stains, the same threshold gives a different sensitivity and specificity. Each case can have its own threshold.",
    ),
  );
}

/** @param {any} card @returns {import("../case/limits.js").AbstentionThresholds|null} */
function limitsOf({ abstention: limits }) {
  return limits ? { all_from: limits.all_from.value, hem_to: limits.hem_to.value } : null;
}

/** @param {any} card @returns {HTMLElement} When the model abstains, and with which guarantee. */
function abstention(card) {
  const { abstention: limits, operating_point: point } = card;
  if (!limits)
    return h(
      "p",
      { "data-abstains": "never" },
      "The model never abstains: every probability gives an answer.",
    );
  const { all_from: blast, hem_to: normal } = limits;
  const [low, high] = uncertainRange(point?.threshold ?? 0.5, limitsOf(card));
  const guaranteed = blast.guaranteed && normal.guaranteed;
  const persons = `${count(blast.persons, "person")} with leukemia and ${count(normal.persons, "healthy person")}`;
  return h(
    "p",
    { "data-abstains": guaranteed ? "guaranteed" : "not-guaranteed" },
    `From ${percentOneDecimal(low)} to ${percentOneDecimal(high)} the verdict is “uncertain”, so that at most ${percentOneDecimal(blast.alpha)} of blasts and ${percentOneDecimal(normal.alpha)} of normal cells lose their own class. This range was set on ${persons}, ${guaranteed ? "and the fractions are guaranteed on average over persons like them" : "which are too few for a guarantee on other persons"}.`,
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
      h("p", {}, "The model card has no results: the performance of this model is unknown."),
    );
  const { part, persons, cells } = all[names[0]];
  const source =
    part === "test"
      ? "not seen in training"
      : part === CROSS_VALIDATION
        ? "by models trained in the same way that had not seen them; this model has seen all persons"
        : `of the ${part} subset`;
  const first = names.filter((name) => FIRST.includes(name));
  const rest = names.filter((name) => !FIRST.includes(name));
  return h(
    "section",
    { class: "panel", "aria-labelledby": "results-title" },
    h("h2", { id: "results-title" }, "Results"),
    h(
      "p",
      {},
      `Measured on ${integer(cells)} cells of ${count(persons, "person")} ${source}. The 95 % interval shows how much a value would vary with other persons.`,
    ),
    table(first, all, "Main results"),
    rest.length > 0 &&
      h("details", {}, h("summary", {}, "All metrics"), table(rest, all, "Further results")),
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
          ["Metric", "Value", "95 % interval", ""].map((word) =>
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

/** @param {string} name @param {Measured} result */
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

/** @param {ModelEntry} model */
function limits({ card, cnmc }) {
  const persons = Object.values(card.training?.persons ?? {}).reduce(
    (sum, list) => sum + list.length,
    0,
  );
  const texts = [
    `It was trained on cells of: ${card.data.name}. ${cnmc ? "They come from the microscope and stain of one laboratory, and each cell is cut out on a black background. " : ""}${card.out_of_distribution ? "It rejects other images as “not a cell” if its checks detect them; images that look similar get an answer, a cell or not." : "Its answers for other images have no basis."}`,
    persons > 0 &&
      `It was trained on the cells of ${count(persons, "person")}. Results vary from person to person: read the intervals and not only the mean.`,
    "Cell size is a shortcut. A model that relies on it predicts large cells of a healthy person as leukemic, and small cells of a person with leukemia as normal.",
    !card.out_of_distribution &&
      "It has no rejection limits: every image that is not empty gets an answer, even if it does not show a cell.",
    "The heatmap shows what raised and lowered the probability. It does not show why, and it does not show that the prediction is correct.",
  ];
  return h(
    "section",
    { class: "panel", "aria-labelledby": "limits-title" },
    h("h2", { id: "limits-title" }, "Limitations"),
    h(
      "ul",
      { class: "limits" },
      texts.map((text) => text && h("li", {}, text)),
    ),
  );
}

/** @param {ModelEntry} model */
function facts({ facts: pairs, sha256, card }) {
  // The results are in a table of their own; their headings end with the key of the metric.
  const results = card.results ?? {};
  const rest = pairs.filter(([name]) => !((name.split(" ").at(-1) ?? "") in results));
  return h(
    "section",
    { class: "panel", "aria-labelledby": "facts-title" },
    h("h2", { id: "facts-title" }, "Model card"),
    h(
      "dl",
      { class: "card-facts" },
      [...rest, ["File (SHA-256)", sha256]].map(([name, text]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, text)),
      ),
    ),
  );
}
