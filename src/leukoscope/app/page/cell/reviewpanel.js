/** The review panel of a cell. */

import { render, h, setText } from "../lib/dom.js";
import { date } from "../lib/format.js";
import { showKeys } from "../lib/keys.js";
import { recall, remember } from "../lib/prefs.js";
import { ACTIONS, reviewer, reviewText, setReviewer } from "./review.js";
import { glyph, verdictOfLabel } from "./verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("./review.js").Action} Action */

export class ReviewPanel {
  #onAction;
  #said = h("p", { class: "said", role: "status" });
  #buttons = h("div", { class: "review-buttons", role: "group", "aria-label": "Review" });
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
      this.#buttons,
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

  /** @returns {HTMLElement|null} The first button that can be used. */
  get first() {
    return this.#buttons.querySelector("button:not(:disabled)");
  }

  /** @param {Cell} cell */
  show(cell) {
    setText(this.#said, currentReview(cell));
    const held = /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.key;
    render(
      this.#buttons,
      ACTIONS.map((action) => this.#button(action, cell)),
    );
    const again = held && this.#buttons.querySelector(`[data-key="${held}"]:not(:disabled)`);
    if (again) /** @type {HTMLElement} */ (again).focus();
    else if (held) this.first?.focus();
  }

  /** @param {Action} action @param {Cell} cell */
  #button(action, cell) {
    const label = action.label(cell);
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
  if (!review) return "Not reviewed yet. What do you see?";
  const by = review.reviewer ? ` by ${review.reviewer}` : "";
  const remark = review.note ? `: ${review.note}` : "";
  return `${reviewText(cell)}${by}, ${date(review.created)}${remark}`;
}
