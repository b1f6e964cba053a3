/** The header of a case: name, facts, and actions. */

import { casePath } from "./casefile.js";
import { contentsOf } from "./contents.js";
import { askAboutImages, asksAboutImages } from "./exportask.js";
import { confirm } from "../lib/dialogs.js";
import { render, h, setText } from "../lib/dom.js";
import { date, integer } from "../lib/format.js";
import { showKeys } from "../lib/keys.js";
import { menu } from "../lib/menu.js";
import { undo } from "../cell/review.js";
import { go } from "../lib/router.js";
import { problem, toast } from "../lib/toast.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

const EXPORTS = [
  ["html", "Report", "to read and print, with model, file hashes and reviews"],
  ["csv", "Cells (CSV)", "one row per cell"],
  ["subjects", "Answers by subject (CSV)", "one row per subject"],
  ["json", "All data (JSON)", "for other programs"],
  ["cohort", "Reviewed cells (ZIP)", "images, labels and subjects, to train or measure a model"],
];

export class CaseHeadView {
  #file;
  #name;
  #title = h("h1", { class: "visually-hidden", tabindex: -1 });
  #meta = h("p", { class: "soft meta" });
  #undo = h("button", { type: "button", onclick: () => void undo(this.#file) }, "Undo review");

  /** @param {CaseFile} file @param {HTMLElement} addButtons */
  constructor(file, addButtons) {
    this.#file = file;
    this.#name = h("input", {
      type: "text",
      class: "case-name",
      maxlength: 200,
      value: file.head.name,
      autocomplete: "off",
      "aria-label": "Name of the case",
      onchange: () => void this.#rename(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#nameKey(event),
    });
    this.element = h(
      "div",
      { class: "case-head" },
      this.#title,
      h("div", { class: "case-title" }, this.#name, this.#meta),
      h(
        "div",
        { class: "case-actions" },
        addButtons,
        this.#undo,
        menu(
          "Export",
          EXPORTS.map((row) => this.#exportLink(row)),
        ),
        menu("More", [
          h(
            "button",
            { type: "button", onclick: showKeys },
            "Keyboard shortcuts",
            h("span", { class: "soft" }, "to review without a mouse"),
          ),
          h(
            "button",
            { type: "button", class: "danger", onclick: () => void this.#delete() },
            "Delete this case…",
          ),
        ]),
      ),
    );
    this.update();
  }

  update() {
    const { head, cells } = this.#file;
    if (document.activeElement !== this.#name) this.#name.value = head.name;
    setText(this.#title, head.name);
    document.title = `${head.name} · Leukoscope`;
    const reviewed = [...cells.values()].filter((cell) => cell.review).length;
    render(
      this.#meta,
      `${contentsOf(cells.values())} · `,
      h("span", {}, `${integer(reviewed)} reviewed`),
      // By default, a case is named after its date.
      head.name.includes(date(head.created)) ? "" : ` · ${date(head.created)}`,
      ` · model ${head.model} · `,
      head.keep_images ? "images are kept" : "images are not kept",
    );
    this.#undo.hidden = !head.can_undo;
  }

  /** @param {string[]} row */
  #exportLink([format, word, what]) {
    const about = h("span", { class: "soft" }, what);
    if (asksAboutImages(format)) {
      const onclick = () => askAboutImages(this.#file, format);
      return h("button", { type: "button", onclick }, `${word}…`, about);
    }
    const href = casePath(this.#file.id, `/export?format=${format}`);
    return h("a", { href, download: "" }, word, about);
  }

  async #rename() {
    const name = this.#name.value.trim();
    if (!name) {
      this.#name.value = this.#file.head.name;
      return;
    }
    try {
      await this.#file.change({ name });
    } catch (error) {
      problem("The name could not be changed.", error);
    }
  }

  /** @param {KeyboardEvent} event */
  #nameKey(event) {
    if (event.key === "Escape") this.#name.value = this.#file.head.name;
    if (event.key === "Escape" || event.key === "Enter") this.#name.blur();
  }

  async #delete() {
    const { head, cells } = this.#file;
    const sure = await confirm({
      title: "Delete this case?",
      text: `“${head.name}” with ${contentsOf(cells.values())}, reviews, notes and stored images will be deleted permanently. Your own files are not changed.`,
      word: "Delete",
    });
    if (!sure) return;
    try {
      await this.#file.delete();
    } catch (error) {
      problem("The case could not be deleted.", error);
      return;
    }
    toast("Case deleted.");
    go("#/", { instead: true });
  }
}
