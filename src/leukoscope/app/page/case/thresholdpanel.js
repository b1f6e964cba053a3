/** The distribution of probabilities in a case, and the threshold of the verdicts. */

import { limitWords } from "./limits.js";
import { answeredAt, countVerdictsAt, uncertainRange } from "./plotdata.js";
import { render, h, setText } from "../lib/dom.js";
import { capital, count, percentOneDecimal, describePersons, integer } from "../lib/format.js";
import { drawHistogram, histogramPlot } from "./histogram.js";
import { isWide, panel } from "../lib/panel.js";
import { verdictOf } from "../cell/verdicts.js";
import { problem, toast } from "../lib/toast.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */
/** @typedef {import("../server/types.js").ModelEntry} ModelEntry */
/** @typedef {import("./plotdata.js").AbstentionThresholds} AbstentionThresholds */

const NO_EFFECT =
  "A threshold in the uncertain range does not change any verdict, because the model gives no answer in this range.";

export class ThresholdPanel {
  #file;
  /** @type {ModelEntry|null} */
  #model = null;
  #plot = histogramPlot();
  #counts = h("p", {});
  #expected = h("p", { class: "soft small-text" });
  #slider = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "Threshold",
    oninput: () => this.#draw(),
  });
  #use = h(
    "button",
    { type: "button", class: "primary", onclick: () => void this.#set(this.#slider.valueAsNumber) },
    "Use for this case",
  );
  #back = h("button", { type: "button", onclick: () => void this.#set(null) }, "Reset to default");
  /** The threshold in use when the slider was last set to it. */
  #inForce = -1;

  /** @param {CaseFile} file */
  constructor(file) {
    this.#file = file;
    this.element = panel(
      "Probabilities and threshold",
      isWide(),
      h("div", { class: "plot" }, this.#plot, this.#slider),
      h(
        "div",
        { class: "scale-ends", "aria-hidden": "true" },
        h("span", {}, "0 %"),
        h("span", {}, "probability of ALL"),
        h("span", {}, "100 %"),
      ),
      this.#counts,
      this.#expected,
      h("div", { class: "buttons" }, this.#use, this.#back),
    );
  }

  /** @param {ModelEntry|null} model The model of the case; null if it is not served. */
  setModel(model) {
    this.#model = model;
    this.update();
  }

  update() {
    this.element.hidden = this.#file.cells.size === 0;
    const { threshold } = this.#file.head;
    if (threshold !== this.#inForce) {
      this.#inForce = threshold;
      this.#slider.value = String(threshold);
    }
    this.#draw();
  }

  /** The value of the slider; the exact threshold in use if it is within one step. */
  #chosen() {
    const value = this.#slider.valueAsNumber;
    return Math.abs(value - this.#inForce) <= 0.005 ? this.#inForce : value;
  }

  #draw() {
    const chosen = this.#chosen();
    const abstains = this.#file.head.abstains ?? null;
    const probabilities = [...this.#file.cells.values()].flatMap((cell) =>
      cell.p_all !== null && verdictOf(cell.verdict).from_probability ? [cell.p_all] : [],
    );
    drawHistogram(this.#plot, probabilities, chosen, abstains);
    const { blast, normal, uncertain } = countVerdictsAt(probabilities, chosen, abstains);
    const moved = chosen !== this.#inForce;
    const changed = moved && limits(chosen, abstains) !== limits(this.#inForce, abstains);
    const own = this.#file.head.own_threshold;
    const source = changed ? "preview" : own ? "set for this case" : "default of the model";
    const words = limitWords(chosen, abstains);
    this.#slider.setAttribute(
      "aria-valuetext",
      `${percentOneDecimal(chosen)}: ${words}, ${source}`,
    );
    render(
      this.#counts,
      h("strong", {}, capital(words)),
      ` (${source}): `,
      probabilities.length
        ? `${integer(blast)} of ${count(blast + normal, "cell")} with an answer are blasts`
        : "no image of this case has a probability",
      probabilities.length && abstains && `, ${integer(uncertain)} more are uncertain`,
      ".",
      moved && !changed && ` ${NO_EFFECT}`,
    );
    setText(this.#expected, expectedText(this.#model, chosen, abstains));
    this.#use.hidden = !changed;
    this.#back.hidden = !own && !moved;
  }

  /** @param {number|null} threshold */
  async #set(threshold) {
    const own = this.#file.head.own_threshold;
    if (threshold === null && !own) {
      this.#inForce = -1; // only the slider was moved
      this.update();
      return;
    }
    try {
      await this.#file.change({ threshold });
      toast(
        threshold === null
          ? "Threshold reset to the default of the model."
          : "Threshold set. The verdicts are updated.",
      );
    } catch (error) {
      problem("The threshold could not be changed.", error);
    }
    this.#inForce = -1;
    this.update();
  }
}

/** @param {number} threshold @param {AbstentionThresholds|null} abstains */
function limits(threshold, abstains) {
  return uncertainRange(threshold, abstains).join();
}

/**
 * Text on the performance at a threshold, from the model card.
 *
 * @param {ModelEntry|null} model
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {string}
 */
export function expectedText(model, threshold, abstains) {
  const card = model?.card;
  if (!card) return "";
  const point = card.operating_point;
  const persons = point ? describePersons(point.set_on) : "the validation persons";
  if (card.operating_curve) {
    const found = answeredAt(card.operating_curve, threshold, abstains);
    const given = abstains ? ", on the cells with an answer" : "";
    const left = abstains
      ? ` Left uncertain: ${percentOneDecimal(1 - found.blasts)} of the blasts, ${percentOneDecimal(1 - found.normal)} of the normal cells.`
      : "";
    return `Measured on ${persons}${given}: sensitivity ${percentOneDecimal(found.sensitivity)}, specificity ${percentOneDecimal(found.specificity)}.${left} Other persons differ, some of them strongly.`;
  }
  if (point)
    return `Known only for the threshold of the model (${percentOneDecimal(point.threshold)}), measured on ${persons}${everyCell(abstains)}: sensitivity ${percentOneDecimal(point.recall)}, specificity ${percentOneDecimal(point.specificity)}.`;
  return "The model card does not state the performance at any threshold.";
}

/** @param {AbstentionThresholds|null} abstains */
function everyCell(abstains) {
  return abstains ? ", with every cell classified, including the uncertain ones" : "";
}
