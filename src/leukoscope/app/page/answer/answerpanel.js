/** The answers for the subjects of a case, before its cells: a few in words, many in a table. */

import { render, h } from "../lib/dom.js";
import { capital, count, integer } from "../lib/format.js";
import { intervalBar } from "../lib/intervalbar.js";
import { AnswerTable } from "./answertable.js";
import { bySubject, meanProbability, reviewCounts } from "./figures.js";
import { placeWords, strip, stripLegend, studyOf } from "./strip.js";
import {
  agreementWords,
  hasEnoughCells,
  NO_PATIENT,
  probabilityWords,
  reviewWords,
  subjectName,
} from "./words.js";

/** @typedef {import("../server/types.js").SubjectSummary} SubjectSummary */
/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */
/** @typedef {import("./strip.js").Study} Study */
/** @typedef {{summary: SubjectSummary, cells: Cell[], mean: number|null}} Subject */

/** More subjects than this are shown as a table. */
const FEW = 4;

export class AnswerPanel {
  #file;
  #onSubject;
  /** @type {Study|null} */
  #study = null;
  #body = h("div", { class: "answers-body" });
  /** @type {AnswerTable|null} */
  #table = null;

  /** @param {CaseFile} file @param {(subject: string) => void} onSubject Show this subject's cells. */
  constructor(file, onSubject) {
    this.#file = file;
    this.#onSubject = onSubject;
    this.element = h(
      "section",
      { class: "panel answers", "aria-labelledby": "answers-title" },
      h("h2", { id: "answers-title" }, "Answer by subject"),
      this.#body,
    );
  }

  /** Needs an update. @param {import("../server/types.js").ModelEntry|null} model That of the case, if served. */
  setModel(model) {
    this.#study = studyOf(model);
  }

  /** @param {boolean} [hidden] The verdicts are hidden until the review. */
  update(hidden = false) {
    const { head, cells } = this.#file;
    this.element.hidden = cells.size === 0;
    if (hidden) {
      this.#table = null;
      render(this.#body, h("p", {}, "Hidden while you review blind."));
      return;
    }
    const groups = bySubject(cells.values());
    const subjects = head.subjects.map((summary) => {
      const own = groups.get(summary.subject) ?? [];
      return { summary, cells: own, mean: meanProbability(own) };
    });
    if (subjects.length > FEW) this.#showTable(subjects);
    else {
      this.#table = null;
      const several = subjects.length > 1;
      render(
        this.#body,
        noAnswerNote(subjects),
        h(
          "ul",
          { class: "subjects" },
          subjects.map((one) => this.#subject(one, several)),
        ),
        this.#study && subjects.some(isDrawn) && stripLegend(this.#study, "this subject"),
        head.subjects.some(({ fraction }) => fraction !== null) && footnote(),
      );
    }
  }

  /** @param {Subject[]} subjects */
  #showTable(subjects) {
    const drawn = subjects.filter(isDrawn);
    const marks = drawn.map(({ summary, mean }) => ({
      name: subjectName(summary.subject),
      value: mean ?? 0,
    }));
    this.#table ??= new AnswerTable(this.#file.id, this.#onSubject);
    this.#table.update(subjects);
    render(
      this.#body,
      noAnswerNote(subjects),
      this.#study && marks.length > 0 && strip(this.#study, marks),
      this.#study && marks.length > 0 && stripLegend(this.#study, "the subjects of this case"),
      this.#table.element,
      footnote(),
    );
  }

  /** @param {Subject} subject @param {boolean} several */
  #subject({ summary, cells, mean }, several) {
    const { answer } = summary;
    const counts = reviewCounts(cells);
    const enough = answer && hasEnoughCells(answer);
    return h(
      "li",
      {},
      answer && answerLine(summary.subject, answer),
      this.#study && enough && mean !== null && this.#onStrip(this.#study, summary.subject, mean),
      h("p", {}, summary.sentence),
      h(
        "div",
        { class: "subject-line" },
        summary.fraction !== null &&
          intervalBar(summary.fraction, summary.low ?? 0, summary.high ?? 1),
        several && this.#showButton(summary.subject),
      ),
      h("p", { class: "by-review" }, `${reviewWords(counts)} ${agreementWords(counts)}`.trim()),
    );
  }

  /** @param {Study} study @param {string} subject @param {number} mean */
  #onStrip(study, subject, mean) {
    return [
      strip(study, [{ name: subjectName(subject), value: mean }]),
      h("p", { class: "soft small-text" }, `Mean ${mean.toFixed(2)}: ${placeWords(study, mean)}`),
    ];
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

/** @param {Subject} subject Whether it has enough cells for a mark on the strip. */
function isDrawn({ summary, mean }) {
  return mean !== null && Boolean(summary.answer && hasEnoughCells(summary.answer));
}

/**
 * The answer for a subject in one line: verdict, probability, interval, cells used.
 *
 * @param {string} subject
 * @param {import("../server/types.js").SubjectAnswer} answer
 */
function answerLine(subject, answer) {
  const numbers = probabilityWords(answer);
  return h(
    "p",
    { class: "subject-answer" },
    h("strong", {}, `${subjectName(subject)}, all cells together: ${answer.verdict}`),
    numbers && `: probability of a leukemic population ${numbers}`,
    `, ${count(answer.cells, "cell")} used${answer.copies ? `, ${integer(answer.copies)} left out as copies` : ""}.`,
    answer.reason && h("span", { class: "soft" }, ` ${capital(answer.reason)}.`),
    h("strong", { class: "no-patient" }, ` ${NO_PATIENT}`),
  );
}

/** @param {Subject[]} subjects @returns {HTMLElement|false} A note if the model answers for cells only. */
function noAnswerNote(subjects) {
  return (
    subjects.length > 0 &&
    subjects.every(({ summary }) => !summary.answer) &&
    h(
      "p",
      { class: "note no-answers" },
      "This model answers for single cells only: it was made without a model of subjects. The counts below are of its answers for cells.",
    )
  );
}

function footnote() {
  return h(
    "p",
    { class: "soft small-text" },
    "The interval of the blasts reflects the number of cells, not the errors of the model. It counts verdicts of the model; reviews do not change it.",
  );
}
