/** The review panel of a cell. */

import { render, h, setText } from "../lib/dom.js";
import { date } from "../lib/format.js";
import { showKeys } from "../lib/keys.js";
import { recall, remember } from "../lib/prefs.js";
import { editTypes, typesChanged } from "./labels.js";
import { actions, canReview, reviewer, reviewText, setReviewer, whyNot } from "./review.js";
import { glyph, verdictOfLabel } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("./review.js").Action} Action */

export class ReviewPanel {
  #onAction;
  #said = h("p", { class: "said", role: "status" });
  #buttons = h("div", { class: "review-buttons", role: "group", "aria-label": "Review" });
  #others = h("div", { class: "review-buttons", role: "group", "aria-label": "Other types" });
  #why = h("p", { class: "note", hidden: true });
  /** @type {Cell|null} */
  #cell = null;
  #note = h("input", { type: "text", maxlength: 1000, autocomplete: "off" });

  /** @param {(action: Action) => void} onAction */
  constructor(onAction) {
    this.#onAction = onAction;
    const name = h("input", {
      type: "text",
      maxlength: 100,
      value: reviewer(),
      autocomplete: "off",
      oninput: () => setReviewer(name.value),
    });
    const advance = h("input", {
      type: "checkbox",
      checked: advancesAfterReview(),
      onchange: () => remember("go-on", advance.checked ? "on" : "off"),
    });
    this.element = h(
      "section",
      { class: "review", "aria-label": "Your review" },
      this.#said,
      this.#why,
      this.#buttons,
      h(
        "details",
        { class: "other-types" },
        h("summary", {}, "Other types of cells"),
        this.#others,
        h("button", { type: "button", class: "plain", onclick: editTypes }, "Edit the list…"),
      ),
      h(
        "div",
        { class: "review-options" },
        h("label", { class: "inline" }, advance, "Go to the next cell after a review"),
        h("button", { type: "button", class: "plain", onclick: showKeys }, "Shortcuts"),
      ),
      h(
        "details",
        {},
        h("summary", {}, "Reviewer and note"),
        h("label", {}, "Reviewer (optional, remembered in this browser)", name),
        h("label", {}, "Note (optional, saved with the next review of this cell)", this.#note),
      ),
    );
  }

  /** @returns {string} */
  get note() {
    return this.#note.value.trim();
  }

  clearNote() {
    this.#note.value = "";
  }

  /** Follow changes of the list of types. @returns {() => void} Stops following. */
  follow() {
    return typesChanged.on(() => this.#cell && this.show(this.#cell));
  }

  /** @returns {HTMLElement|null} The first button that can be used. */
  get first() {
    return this.#buttons.querySelector("button:not(:disabled)");
  }

  /** @param {Cell} cell */
  show(cell) {
    setText(this.#said, currentReview(cell));
    this.#cell = cell;
    this.#why.hidden = canReview(cell);
    setText(this.#why, this.#why.hidden ? "" : whyNot(cell));
    const held = /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.key;
    const [own, others] = [false, true].map((other) =>
      actions()
        .filter((action) => Boolean(action.other) === other)
        .map((action) => this.#button(action, cell)),
    );
    render(this.#buttons, own);
    render(this.#others, others);
    const again = held && this.element.querySelector(`[data-key="${held}"]:not(:disabled)`);
    if (again) /** @type {HTMLElement} */ (again).focus();
    else if (held) this.first?.focus();
  }

  /** @param {Action} action @param {Cell} cell */
  #button(action, cell) {
    const label = canReview(cell) ? action.label(cell) : null;
    const key = action.key.toUpperCase();
    return h(
      "button",
      {
        type: "button",
        disabled: !label,
        "data-key": action.key,
        "aria-keyshortcuts": key,
        "aria-pressed": String(label !== null && cell.review?.label === label),
        onclick: () => this.#onAction(action),
      },
      label && glyph(verdictOfLabel(label)),
      action.word,
      h("kbd", { "aria-hidden": "true" }, key),
    );
  }
}

/** @returns {boolean} Whether the next cell is shown after a review. */
export function advancesAfterReview() {
  return recall("go-on", "off") === "on";
}

/** @param {Cell} cell */
function currentReview(cell) {
  const { review } = cell;
  if (!review) return canReview(cell) ? "Not reviewed yet. What do you see?" : "Not reviewed.";
  const by = review.reviewer ? ` by ${review.reviewer}` : "";
  const remark = review.note ? `: ${review.note}` : "";
  return `${reviewText(cell)}${by}, ${date(review.created)}${remark}`;
}
