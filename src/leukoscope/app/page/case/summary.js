/** Summary of a case: for each subject a sentence, and its blast fraction with interval as a bar. */

import { render, h, setVars } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { isWide, panel } from "../lib/panel.js";

/** @typedef {import("../server/types.js").SubjectSummary} SubjectSummary */
/** @typedef {import("../server/types.js").SubjectAnswer} SubjectAnswer */
/** @typedef {import("../server/types.js").CaseHead} CaseHead */

/** More subjects than this are collapsed, so that the cells are not far down on a phone. */
const FEW = isWide() ? 4 : 2;

export class SummaryPanel {
  #body = h("div", {});
  #onSubject;
  #open = false;

  /** @param {(subject: string) => void} onSubject Show only this subject's cells. */
  constructor(onSubject) {
    this.#onSubject = onSubject;
    this.element = panel("Answer by subject", true, this.#body);
  }

  /** @param {CaseHead} head @param {number} cells */
  update(head, cells) {
    this.element.hidden = cells === 0;
    const several = head.subjects.length > 1;
    const shown = head.subjects.slice(0, FEW).map((summary) => this.#subject(summary, several));
    const rest = head.subjects.slice(FEW).map((summary) => this.#subject(summary, several));
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
        "The interval of the blasts reflects the number of cells, not the errors of the model. It counts verdicts of the model; reviews do not change it.",
      ),
    );
  }

  /** @param {SubjectSummary} summary @param {boolean} several */
  #subject(summary, several) {
    return h(
      "li",
      {},
      summary.answer && answerLine(summary, summary.answer),
      h("p", {}, summary.sentence),
      h(
        "div",
        { class: "subject-line" },
        summary.fraction !== null &&
          intervalBar(summary.fraction, summary.low ?? 0, summary.high ?? 1),
        several && this.#showButton(summary.subject),
      ),
    );
  }

  /** @param {string} subject */
  #showButton(subject) {
    const cells = subject ? `subject ${subject}` : "the cells without a subject";
    return h(
      "button",
      {
        type: "button",
        class: "plain small-text",
        "aria-label": `Show only ${cells}`,
        onclick: () => this.#onSubject(subject),
      },
      "Show",
    );
  }
}

/**
 * The answer for a subject in one line: verdict, probability, interval, cells used.
 *
 * @param {SubjectSummary} summary
 * @param {SubjectAnswer} answer
 */
function answerLine(summary, answer) {
  const { probability: p, low, high } = answer;
  const subject = summary.subject || "Images without a subject, taken as one";
  const few = answer.blasts === null; // with too few cells the answer gives no fraction of blasts
  const numbers =
    few || p === null || low === null || high === null
      ? ""
      : `: probability of a leukemic population ${p.toFixed(2)} (95 % ${low.toFixed(2)} to ${high.toFixed(2)})`;
  return h(
    "p",
    { class: "subject-answer", title: summary.answer_sentence ?? "" },
    h("strong", {}, `${subject}, all cells together: ${answer.verdict}`),
    `${numbers}, ${count(answer.cells, "cell")} used.`,
    answer.reason && h("span", { class: "soft" }, ` ${answer.reason}.`),
    h("span", { class: "soft" }, " No statement about a patient."),
  );
}

/**
 * Draw a value and its interval on a line from 0 to 1; the numbers are beside it as text.
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
