/** A long list that is searched, and shown in full on request: the parts that all such lists share. */

import { h, setText } from "./dom.js";
import { count, integer } from "./format.js";

export class Shortlist {
  search;
  more;
  status = h("p", { class: "soft small-text", role: "status" });
  #noun;
  #portion;
  #all = false;

  /**
   * @param {{noun: string, portion: number, word: string}} list `portion`: entries shown at first; `word`: of the button for all.
   * @param {() => void} onChange The search or the portion has changed.
   */
  constructor({ noun, portion, word }, onChange) {
    this.#noun = noun;
    this.#portion = portion;
    this.search = h("input", { type: "search", oninput: onChange });
    const onclick = () => {
      this.#all = true;
      onChange();
    };
    this.more = h("button", { type: "button", class: "plain", onclick }, word);
  }

  /** @returns {string} What is searched, in lower case. */
  get wanted() {
    return this.search.value.trim().toLowerCase();
  }

  /**
   * Tell how many entries there are.
   *
   * @template T
   * @param {T[]} found The entries that match the search, in order.
   * @param {number} total
   * @returns {T[]} Those to show.
   */
  cut(found, total) {
    const shown = this.#all ? found : found.slice(0, this.#portion);
    this.more.hidden = shown.length === found.length;
    const all = count(total, this.#noun);
    setText(this.status, found.length === total ? all : `${integer(found.length)} of ${all}`);
    return shown;
  }
}
