/** The table of many subjects: sorted by a column, searched by name, and saved as CSV. */

import { casePath } from "../case/casefile.js";
import { h, render } from "../lib/dom.js";
import { byName, integer } from "../lib/format.js";
import { Shortlist } from "../lib/shortlist.js";
import { reviewCounts } from "./figures.js";
import { NO_PATIENT, probabilityWords, subjectName } from "./words.js";

/** @typedef {import("./answerpanel.js").Subject} Subject */
/** @typedef {ReturnType<typeof row>} Row */

const SHORT = { noun: "subject", portion: 50, word: "Show all rows" };

/** @type {{word: string, key: keyof Row, number?: boolean}[]} */
const COLUMNS = [
  { word: "Subject", key: "name" },
  { word: "Answer", key: "verdict" },
  { word: "Probability", key: "probability", number: true },
  { word: "Cells used", key: "cells", number: true },
  { word: "Blasts", key: "fraction", number: true },
  { word: "Mean p(ALL)", key: "mean", number: true },
  { word: "Reviewed blasts", key: "reviewed", number: true },
];

export class AnswerTable {
  #onSubject;
  /** @type {Row[]} */
  #rows = [];
  /** @type {keyof Row} */
  #sort = "name";
  #descending = false;
  #short = new Shortlist(SHORT, () => this.#draw());
  #head = h("tr", {});
  #body = h("tbody", {});

  /** @param {string} caseId @param {(subject: string) => void} onSubject */
  constructor(caseId, onSubject) {
    this.#onSubject = onSubject;
    const href = casePath(caseId, "/export?format=subjects");
    this.element = h(
      "div",
      { class: "answer-table" },
      h(
        "div",
        { class: "table-tools" },
        h("label", { class: "inline" }, "Find a subject", this.#short.search),
        h("a", { class: "button", href, download: "" }, "Save as CSV"),
        this.#short.status,
        h("strong", { class: "no-patient" }, NO_PATIENT),
      ),
      h(
        "div",
        { class: "scroll", role: "region", "aria-label": "Answers by subject", tabindex: 0 },
        h("table", {}, h("thead", {}, this.#head), this.#body),
      ),
      this.#short.more,
    );
    this.#drawHead();
  }

  /** @param {Subject[]} subjects */
  update(subjects) {
    this.#rows = subjects.map(row);
    this.#draw();
  }

  #draw() {
    const { wanted } = this.#short;
    const found = this.#rows.filter(({ name }) => name.toLowerCase().includes(wanted));
    found.sort((a, b) => compare(a, b, this.#sort, this.#descending));
    const shown = this.#short.cut(found, this.#rows.length);
    render(
      this.#body,
      shown.map((one) => this.#line(one)),
    );
  }

  #drawHead() {
    render(
      this.#head,
      COLUMNS.map(({ word, key, number }) => {
        const on = key === this.#sort;
        const order = this.#descending ? "descending" : "ascending";
        return h(
          "th",
          { scope: "col", "aria-sort": on ? order : null },
          h(
            "button",
            {
              type: "button",
              class: "plain sorter",
              "data-column": key,
              onclick: () => this.#sortBy(key, on ? !this.#descending : Boolean(number)),
            },
            word,
            h("span", { "aria-hidden": "true" }, on ? (this.#descending ? "↓" : "↑") : ""),
          ),
        );
      }),
    );
  }

  /** @param {keyof Row} key @param {boolean} descending */
  #sortBy(key, descending) {
    this.#sort = key;
    this.#descending = descending;
    this.#drawHead();
    /** @type {HTMLElement|null} */ (this.#head.querySelector(`[data-column=${key}]`))?.focus();
    this.#draw();
  }

  /** @param {Row} one */
  #line(one) {
    const show = h(
      "button",
      {
        type: "button",
        class: "plain",
        title: "Show only these cells",
        onclick: () => this.#onSubject(one.subject),
      },
      one.name,
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, show),
      h("td", { title: one.reason }, one.verdict || "none"),
      h("td", { class: "number" }, one.probabilityText),
      h("td", { class: "number" }, integer(one.cells ?? 0)),
      h("td", { class: "number" }, one.fractionText),
      h("td", { class: "number" }, one.mean?.toFixed(2) ?? ""),
      h("td", { class: "number" }, one.reviewText),
    );
  }
}

/** A subject as values to sort by and texts to show. @param {Subject} subject */
export function row({ summary, cells, mean }) {
  const { answer, fraction, blasts, cells: images, not_answered: open } = summary;
  const { uncertain = 0, not_cells: notCells = 0 } = summary;
  const counts = reviewCounts(cells);
  const sorted = counts.blasts + counts.normal;
  const probabilityText = answer ? probabilityWords(answer) : "";
  return {
    subject: summary.subject,
    name: subjectName(summary.subject),
    verdict: answer?.verdict ?? "",
    reason: answer?.reason ?? "",
    probability: probabilityText ? (answer?.probability ?? null) : null,
    probabilityText: probabilityText || (answer ? "too few cells" : "not given"),
    cells: answer?.cells ?? images - open,
    fraction,
    fractionText: [
      fraction !== null && `${integer(blasts)} of ${integer(images - open)} answered`,
      uncertain > 0 && `${integer(uncertain)} uncertain`,
      notCells > 0 && `${integer(notCells)} not a cell`,
    ]
      .filter(Boolean)
      .join(", "),
    mean,
    reviewed: sorted ? counts.blasts / sorted : null,
    reviewText: sorted
      ? `${integer(counts.blasts)} of ${integer(sorted)}, ${integer(counts.open)} open`
      : `${integer(counts.open)} open`,
  };
}

/**
 * Order two rows by a column; empty values are last in either direction.
 *
 * @param {Row} a
 * @param {Row} b
 * @param {keyof Row} key
 * @param {boolean} descending
 */
function compare(a, b, key, descending) {
  const [x, y] = [a[key], b[key]];
  const missing = Number(x === null || x === "") - Number(y === null || y === "");
  if (missing) return missing;
  const order =
    typeof x === "number" && typeof y === "number" ? x - y : byName(String(x), String(y));
  return (descending ? -order : order) || byName(a.name, b.name);
}
