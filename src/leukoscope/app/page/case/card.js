/** One cell of the grid: picture, verdict, probability, subject, review. */

import { render, h, setText, setVars } from "../lib/dom.js";
import { baseName, joined, percent } from "../lib/format.js";
import { Picture } from "../cell/picture.js";
import { reviewText } from "../cell/review.js";
import {
  agrees,
  differs,
  glyph,
  shownProbability,
  title,
  verdictOf,
  verdictOfLabel,
} from "../cell/verdicts.js";
import { isHidden } from "../cell/blind.js";
import { zoneVars } from "./limits.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("./casefile.js").CaseFile} CaseFile */

export class Card {
  #file;
  /** @type {Cell|null} */
  #shown = null;
  #hidden = false;
  #verdict = h("span", { class: "verdict" });
  #probability = h("span", { class: "probability" });
  #subject = h("span", { class: "subject" });
  #reason = h("span", { class: "reason soft" });
  #mark = h("span", { class: "mark" });
  #bar = h("span", { class: "p-bar", "aria-hidden": "true" });

  /** @param {CaseFile} file @param {Cell} cell */
  constructor(file, cell) {
    this.#file = file;
    this.id = cell.id;
    this.picture = new Picture(file, cell);
    this.open = h(
      "button",
      { type: "button", class: "open", tabindex: -1 },
      this.picture.element,
      h("span", { class: "line" }, this.#verdict, this.#probability),
      this.#bar,
      h("span", { class: "line soft" }, this.#subject, this.#mark),
      this.#reason,
    );
    this.check = h("input", { type: "checkbox", tabindex: -1 });
    this.element = h(
      "li",
      { class: "card", "data-id": cell.id },
      this.open,
      h("label", { class: "check" }, this.check),
    );
    this.update(cell);
  }

  /** @param {Cell} cell */
  update(cell) {
    if (cell === this.#shown && isHidden(cell) === this.#hidden) return;
    this.#shown = cell;
    this.#hidden = isHidden(cell);
    const hidden = isHidden(cell);
    const verdict = verdictOf(hidden ? "not reviewed" : cell.verdict);
    const name = baseName(cell.name) || `cell ${cell.id}`;
    this.element.dataset.verdict = verdict.color;
    render(this.#verdict, !hidden && glyph(verdict), title(verdict.verdict));
    const p = hidden ? null : shownProbability(cell);
    setText(this.#probability, percent(p));
    const zones = zoneVars(cell.threshold, this.#file.head.abstains ?? null);
    setVars(this.#bar, { "--p": p ?? 0, ...zones });
    this.#bar.hidden = p === null;
    const label = cell.subject ? `subject ${cell.subject}` : name;
    // Without an answer the name tells which file it is, and the reason follows.
    setText(this.#subject, p === null && !hidden ? name : label);
    setText(this.#reason, p === null && !hidden ? cell.reason : "");
    this.#mark.className = `mark ${differs(cell) ? "corrected" : cell.review ? "agrees" : ""}`;
    setText(
      this.#mark,
      cell.review ? (agrees(cell) ? "✓" : `→ ${verdictOfLabel(cell.review.label).verdict}`) : "",
    );
    this.open.setAttribute("aria-label", describe(cell, name));
    this.open.title = cell.name;
    this.check.setAttribute("aria-label", `Select ${name}`);
    this.picture.update(cell);
  }

  /** @param {boolean} on Whether Tab reaches this cell. */
  setCurrent(on) {
    this.open.tabIndex = this.check.tabIndex = on ? 0 : -1;
  }

  /** @param {boolean} on */
  setSelected(on) {
    this.check.checked = on;
    this.element.classList.toggle("selected", on);
  }
}

/** @param {Cell} cell @param {string} name */
function describe(cell, name) {
  const p = shownProbability(cell);
  if (isHidden(cell))
    return joined(["Not reviewed", cell.subject && `subject ${cell.subject}`, name]);
  const parts = [
    title(cell.verdict),
    p === null ? cell.reason : `probability of ALL ${percent(p)}`,
    cell.subject && `subject ${cell.subject}`,
    reviewText(cell),
    name,
  ];
  return joined(parts);
}
