/** What the case comes to: a sentence for each subject, with its fraction and interval as a bar. */

import { render, h, setVars } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { isWide, panel } from "../lib/panel.js";

/** @typedef {import("../server/types.js").SubjectSummary} SubjectSummary */
/** @typedef {import("../server/types.js").CaseHead} CaseHead */

/** More subjects than this are folded away: the cells should not be far down on a phone. */
const FEW = isWide() ? 4 : 2;

export class SummaryPanel {
  #body = h("div", {});
  #onSubject;
  #open = false;

  /** @param {(subject: string) => void} onSubject Show only this subject's cells. */
  constructor(onSubject) {
    this.#onSubject = onSubject;
    this.element = panel("Blasts by subject", true, this.#body);
  }

  /** @param {CaseHead} head @param {number} cells */
  update(head, cells) {
    this.element.hidden = cells === 0;
    const several = head.subjects.length > 1;
    const shown = head.subjects.slice(0, FEW).map((one) => this.#subject(one, several));
    const rest = head.subjects.slice(FEW).map((one) => this.#subject(one, several));
    const more = h(
      "details",
      { open: this.#open, ontoggle: () => (this.#open = more.open) },
      h("summary", {}, count(rest.length, "more subject")),
      h("ul", { class: "subjects" }, rest),
    );
    render(
      this.#body,
      h("ul", { class: "subjects" }, shown),
      rest.length > 0 && more,
      h(
        "p",
        { class: "soft small-text" },
        "The interval tells how few or many cells were seen, not how often the model errs. It counts the model's verdicts; reviews do not change it.",
      ),
    );
  }

  /** @param {SubjectSummary} one @param {boolean} several */
  #subject(one, several) {
    return h(
      "li",
      {},
      h("p", {}, one.sentence),
      h(
        "div",
        { class: "subject-line" },
        one.fraction !== null && intervalBar(one.fraction, one.low ?? 0, one.high ?? 1),
        several && this.#showButton(one.subject),
      ),
    );
  }

  /** @param {string} subject */
  #showButton(subject) {
    const whose = subject ? `subject ${subject}` : "the cells without a subject";
    return h(
      "button",
      {
        type: "button",
        class: "plain small-text",
        "aria-label": `Show only ${whose}`,
        onclick: () => this.#onSubject(subject),
      },
      "Show",
    );
  }
}

/**
 * A value and its interval on a line from 0 to 1; the figures stand beside it in words.
 *
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {HTMLElement}
 */
export function intervalBar(value, low, high) {
  const bar = h(
    "div",
    { class: "interval", "aria-hidden": "true" },
    h("span", { class: "interval-range" }),
    h("span", { class: "interval-value" }),
  );
  setVars(bar, { "--low": low, "--high": high, "--value": value });
  return bar;
}
