/** Sort and filter: verdicts as buttons with counts, the other filters in a panel. */

import { render, h, setText } from "../lib/dom.js";
import { capital, integer } from "../lib/format.js";
import { contentsOf } from "./contents.js";
import { choices, countVerdicts, SHOW_ALL, filtersSet, ORDERS, REVIEWS } from "./filter.js";
import { glyph, verdicts, verdictOf } from "../cell/verdicts.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("./filter.js").View} View */

export class Toolbar {
  /** @type {View} */
  view;
  #onView;
  #chips = h("div", { class: "chips", role: "group", "aria-label": "Show verdicts" });
  #status = h("p", { class: "soft shown" });
  /** Read out after a change of the filters, not for every new cell. */
  #spoken = h("p", { class: "visually-hidden", role: "status" });
  #reset = h("button", { type: "button", class: "plain", onclick: () => this.reset() }, "Show all");
  #badge = h("span", { class: "badge" });
  #fields = this.#makeFields();
  #panel = h("div", { class: "filters", id: "filters", hidden: true });
  #direction;
  #sort;

  /** @param {View} view @param {(view: View) => void} onView */
  constructor(view, onView) {
    this.view = { ...view };
    this.#onView = onView;
    this.#sort = select(
      Object.entries(ORDERS).map(([key, { word }]) => [key, word]),
      (key) =>
        this.#change({
          sort: /** @type {View["sort"]} */ (key),
          descending: key === "probability",
        }),
    );
    this.#direction = h("button", {
      type: "button",
      class: "icon",
      onclick: () => this.#change({ descending: !this.view.descending }),
    });
    const more = h(
      "button",
      {
        type: "button",
        "aria-expanded": "false",
        "aria-controls": "filters",
        onclick: () => {
          this.#panel.hidden = !this.#panel.hidden;
          more.setAttribute("aria-expanded", String(!this.#panel.hidden));
        },
      },
      "Filter",
      this.#badge,
    );
    render(this.#panel, this.#panelFields());
    this.element = h(
      "div",
      { class: "toolbar", role: "search", "aria-label": "Sort and filter the cells" },
      h(
        "div",
        { class: "toolbar-row" },
        h("div", { class: "toolbar-start" }, this.#chips, this.#status, this.#spoken, this.#reset),
        h(
          "div",
          { class: "toolbar-end" },
          h("label", { class: "inline" }, "Sort", this.#sort),
          this.#direction,
          more,
        ),
      ),
      this.#panel,
    );
    this.#showView();
  }

  /** @param {Map<number, Cell>} cells @param {number} shown @param {boolean} [announce] Read the number out. */
  update(cells, shown, announce = false) {
    this.#showChips(countVerdicts(cells.values(), this.view));
    const { subjects, flags } = choices(cells.values());
    const { subject, flag } = this.#fields;
    options(subject, [
      ["*", "All subjects"],
      ...subjects.map(([name, n]) => pair(`=${name}`, `${name || "No subject"} (${integer(n)})`)),
    ]);
    options(flag, [
      ["", "Any"],
      ["none", "No flags"],
      ...flags.map(([name, n]) => pair(name, `${capital(name)} (${integer(n)})`)),
    ]);
    this.#showView();
    const all = cells.size;
    const contents = contentsOf(cells.values());
    const words = shown === all ? contents : `${integer(shown)} of ${contents}`;
    setText(this.#status, words);
    if (announce) setText(this.#spoken, words);
    this.#reset.hidden = shown === all;
  }

  /** The blind mode: leave out the order and the filters that would tell a verdict. */
  hideVerdicts() {
    const { sort, verdicts, low, high } = this.view;
    const ordered = sort === "probability" || sort === "verdict";
    if (ordered || verdicts.length || low > 0 || high < 100)
      this.#change({
        verdicts: [],
        low: 0,
        high: 100,
        ...(ordered && { sort: "added", descending: false }),
      });
  }

  reset() {
    const { sort, descending } = this.view;
    this.#change({ ...SHOW_ALL, sort, descending });
  }

  /** @param {Partial<View>} change */
  #change(change) {
    this.view = { ...this.view, ...change };
    this.#showView();
    this.#onView(this.view);
  }

  /** @param {Partial<View>} change Filters set from elsewhere, such as a subject of the summary. */
  show(change) {
    this.#change({
      ...SHOW_ALL,
      sort: this.view.sort,
      descending: this.view.descending,
      ...change,
    });
  }

  #makeFields() {
    return {
      text: h("input", {
        type: "search",
        oninput: () => this.#change({ text: this.#fields.text.value }),
      }),
      subject: select([], (key) => this.#change({ subject: key === "*" ? null : key.slice(1) })),
      flag: select([], (key) => this.#change({ flag: key })),
      review: select(
        [["", "Any"], ...Object.entries(REVIEWS).map(([key, { word }]) => pair(key, word))],
        (key) => this.#change({ review: key }),
      ),
      low: bound("From", (value) => this.#change({ low: value ?? 0 })),
      high: bound("To", (value) => this.#change({ high: value ?? 100 })),
    };
  }

  #panelFields() {
    const { text, subject, flag, review, low, high } = this.#fields;
    return [
      h("label", {}, "Name or subject", text),
      h("label", {}, "Subject", subject),
      h("label", {}, "Review", review),
      h("label", {}, "Flags", flag),
      h(
        "fieldset",
        { class: "range" },
        h("legend", {}, "Probability in %"),
        low,
        h("span", { "aria-hidden": "true" }, "to"),
        high,
      ),
    ];
  }

  #showView() {
    const { view } = this;
    const { text, subject, flag, review, low, high } = this.#fields;
    this.#sort.value = view.sort;
    subject.value = view.subject === null ? "*" : `=${view.subject}`;
    flag.value = view.flag;
    review.value = view.review;
    if (text.value !== view.text) text.value = view.text;
    if (document.activeElement !== low) low.value = String(view.low);
    if (document.activeElement !== high) high.value = String(view.high);
    const set = filtersSet(view);
    setText(this.#badge, set ? String(set) : "");
    setText(this.#direction, view.descending ? "↓" : "↑");
    const word = view.descending ? "Descending" : "Ascending";
    this.#direction.setAttribute("aria-label", `${word}; reverse the order`);
    this.#direction.title = word;
  }

  /** @param {Map<string, number>} counts */
  #showChips(counts) {
    const words = [...new Set([...verdicts().map(({ verdict }) => verdict), ...counts.keys()])];
    const shown = words.filter((word) => counts.has(word) || this.view.verdicts.includes(word));
    const held =
      document.activeElement instanceof HTMLElement ? document.activeElement.dataset.verdict : "";
    render(
      this.#chips,
      shown.map((word) => this.#chip(word, counts.get(word) ?? 0)),
    );
    if (held)
      /** @type {HTMLElement|null} */ (
        this.#chips.querySelector(`[data-verdict="${held}"]`)
      )?.focus();
  }

  /** @param {string} word @param {number} n */
  #chip(word, n) {
    const verdict = verdictOf(word);
    const on = this.view.verdicts.includes(word);
    return h(
      "button",
      {
        type: "button",
        class: "chip",
        "data-verdict": word,
        "aria-pressed": String(on),
        onclick: () => {
          const others = this.view.verdicts.filter((one) => one !== word);
          this.#change({ verdicts: on ? others : [...others, word] });
        },
      },
      glyph(verdict),
      h("strong", {}, integer(n)),
      n === 1 ? word : verdict.plural,
    );
  }
}

/** @param {[string, string][]} choices @param {(key: string) => void} onChoice */
function select(choices, onChoice) {
  const element = h("select", { onchange: () => onChoice(element.value) });
  options(element, choices);
  return element;
}

/** @param {HTMLSelectElement} element @param {[string, string][]} choices */
function options(element, choices) {
  const now = [...element.options].map((option) => `${option.value}\n${option.text}`).join("\t");
  if (now === choices.map(([key, word]) => `${key}\n${word}`).join("\t")) return;
  render(
    element,
    choices.map(([value, word]) => h("option", { value }, word)),
  );
}

/** @param {string} word @param {(value: number|null) => void} onValue */
function bound(word, onValue) {
  const input = h("input", {
    type: "number",
    min: 0,
    max: 100,
    step: 1,
    "aria-label": `${word} probability, in percent`,
    oninput: () => onValue(Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : null),
  });
  return input;
}

/** @param {string} key @param {string} word @returns {[string, string]} */
function pair(key, word) {
  return [key, word];
}
