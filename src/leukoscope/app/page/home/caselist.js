/** The list of cases: searched, sorted, and several deleted at once. */

import { call } from "../server/api.js";
import { casePath, knownCase } from "../case/casefile.js";
import { contentsOfVerdicts } from "../case/contents.js";
import { confirm } from "../lib/dialogs.js";
import { render, h, setText } from "../lib/dom.js";
import { count, date, integer } from "../lib/format.js";
import { caseHash } from "../lib/router.js";
import { Shortlist } from "../lib/shortlist.js";
import { problem, toast } from "../lib/toast.js";
import { verdicts } from "../cell/verdicts.js";
import { chosen, inOrder, ORDERS } from "./caseorder.js";

/** @typedef {import("../server/types.js").CaseHead} CaseHead */

const SHORT = { noun: "case", portion: 12, word: "Show all cases" };

export class CaseList {
  /** @type {CaseHead[]} */
  #heads = [];
  /** @type {Set<string>} */
  #selected = new Set();
  #short = new Shortlist(SHORT, () => this.#draw());
  #sort = h(
    "select",
    { onchange: () => this.#draw() },
    Object.entries(ORDERS).map(([value, { word }]) => h("option", { value }, word)),
  );
  #delete = h(
    "button",
    { type: "button", class: "danger", hidden: true, onclick: () => void this.#deleteSelected() },
    "Delete…",
  );
  #list = h("ul", { class: "case-list" });
  #tools = h(
    "div",
    { class: "table-tools", role: "search", "aria-label": "Cases" },
    h("label", { class: "inline" }, "Find a case", this.#short.search),
    h("label", { class: "inline" }, "Sort", this.#sort),
    this.#short.status,
    this.#delete,
  );

  constructor() {
    this.element = h(
      "section",
      { class: "recent", "aria-labelledby": "recent-title", hidden: true },
      h("h2", { id: "recent-title" }, "Cases"),
      this.#tools,
      this.#list,
      this.#short.more,
    );
  }

  async load() {
    try {
      this.#heads = await call("GET", "/v1/cases");
    } catch (error) {
      this.element.hidden = false;
      this.#tools.hidden = this.#short.more.hidden = true;
      const why = error instanceof Error ? error.message : error;
      render(
        this.#list,
        h("li", { class: "note warning" }, `Your cases could not be loaded: ${why}`),
        h("li", {}, h("button", { type: "button", onclick: () => void this.load() }, "Try again")),
      );
      return;
    }
    this.#draw();
  }

  #draw() {
    const ids = new Set(this.#heads.map(({ id }) => id));
    this.#selected = new Set([...this.#selected].filter((id) => ids.has(id)));
    const found = inOrder(chosen(this.#heads, this.#short.wanted), this.#sort.value);
    const shown = this.#short.cut(found, this.#heads.length);
    this.element.hidden = this.#heads.length === 0;
    this.#tools.hidden = this.#heads.length < 2;
    render(
      this.#list,
      shown.map((head) => this.#row(head)),
    );
    this.#drawSelection();
  }

  #drawSelection() {
    this.#delete.hidden = this.#selected.size === 0;
    setText(this.#delete, `Delete ${count(this.#selected.size, "case")}…`);
  }

  async #deleteSelected() {
    const ids = [...this.#selected];
    /** @type {Record<string, number>} */
    const verdicts = {};
    for (const { id, verdicts: own } of this.#heads)
      for (const [verdict, n] of Object.entries(this.#selected.has(id) ? own : {}))
        verdicts[verdict] = (verdicts[verdict] ?? 0) + n;
    const sure = await confirm({
      title: `Delete ${count(ids.length, "case")}?`,
      text: `${contentsOfVerdicts(verdicts)}, with reviews, notes and stored images, will be deleted permanently. Your own files are not changed.`,
      word: "Delete",
    });
    if (!sure) return;
    let deleted = 0;
    try {
      for (const id of ids) {
        await (knownCase(id)?.delete() ?? call("DELETE", casePath(id)));
        this.#selected.delete(id);
        deleted += 1;
      }
    } catch (error) {
      problem("Some cases could not be deleted.", error);
    }
    if (deleted) toast(`${count(deleted, "case")} deleted.`);
    await this.load();
    this.#short.search.focus();
  }

  /** @param {CaseHead} head */
  #row(head) {
    const box = h("input", {
      type: "checkbox",
      checked: this.#selected.has(head.id),
      "aria-label": `Select ${head.name}`,
      onchange: () => {
        this.#selected[box.checked ? "add" : "delete"](head.id);
        this.#drawSelection();
      },
    });
    const subjects = head.subjects.filter(({ subject }) => subject);
    const bar = h("span", { class: "verdict-bar", "aria-hidden": "true" });
    const counts = [];
    for (const { verdict, plural, color } of verdicts()) {
      const n = head.verdicts[verdict] ?? 0;
      if (!n) continue;
      bar.append(h("span", { class: `v-${color}`, vars: { "--cells": n } }));
      counts.push(`${integer(n)} ${n === 1 ? verdict : plural}`);
    }
    return h(
      "li",
      {},
      h("label", { class: "case-check" }, box),
      h(
        "a",
        { href: caseHash(head.id) },
        h("span", { class: "case-row-name" }, head.name),
        h(
          "span",
          { class: "soft" },
          [
            contentsOfVerdicts(head.verdicts),
            subjects.length && count(subjects.length, "subject"),
            head.reviewed && `${integer(head.reviewed)} reviewed`,
            date(head.updated),
          ]
            .filter(Boolean)
            .join(" · "),
        ),
        bar,
        h("span", { class: "soft" }, counts.join(", ") || "no cells yet"),
      ),
    );
  }
}
