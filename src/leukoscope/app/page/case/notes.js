/** Notes on a case, saved automatically. Unsaved text stays in the field. */

import { h, setText } from "../lib/dom.js";
import { isWide, panel } from "../lib/panel.js";
import { debounce } from "../lib/timing.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

export class NotesPanel {
  #file;
  #saved;
  #saving = false;
  #field;
  #state = h("span", { class: "soft small-text", role: "status" });
  #retry = h("button", { type: "button", class: "plain small-text", hidden: true }, "Save now");
  #soon = debounce(() => void this.#save(), 700);

  /** @param {CaseFile} file */
  constructor(file) {
    this.#file = file;
    this.#saved = file.head.notes;
    this.#field = h("textarea", {
      "aria-label": "Notes on this case",
      rows: 4,
      maxlength: 20000,
      value: file.head.notes,
      placeholder: "Your notes on this case",
      oninput: () => {
        setText(this.#state, "Editing…");
        this.#soon();
      },
      onblur: () => this.flush(),
    });
    this.#retry.addEventListener("click", () => this.flush());
    this.element = panel(
      "Notes",
      isWide() || file.head.notes !== "",
      this.#field,
      h("p", { class: "state-line" }, this.#state, this.#retry),
    );
  }

  /** Whether there is text that the server has not saved. */
  get unsaved() {
    return this.#field.value !== this.#saved;
  }

  /** @param {boolean} [leaving] The page is being closed. */
  flush(leaving = false) {
    this.#soon.cancel();
    if (this.unsaved && !this.#file.gone) void this.#save(leaving);
    else if (this.#state.textContent === "Editing…") setText(this.#state, "");
  }

  /** @param {boolean} [leaving] */
  async #save(leaving = false) {
    if (this.#saving && !leaving) {
      this.#soon();
      return;
    }
    const text = this.#field.value;
    this.#saving = true;
    setText(this.#state, "Saving…");
    try {
      await this.#file.change({ notes: text }, leaving);
      this.#saved = text;
      setText(this.#state, "Saved");
      this.#retry.hidden = true;
    } catch (error) {
      setText(this.#state, `Not saved: ${error instanceof Error ? error.message : error}`);
      this.#retry.hidden = false;
    } finally {
      this.#saving = false;
    }
  }
}
