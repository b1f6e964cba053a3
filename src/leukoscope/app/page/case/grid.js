/**
 * The grid of cells. It is one tab stop; arrow keys move between cells. Cards are created in portions
 * while scrolling, so that thousands of cells cost little.
 */

import { Card } from "./card.js";
import { render, h } from "../lib/dom.js";
import { plainKey, showKeys } from "../lib/keys.js";
import { actions, review, undo } from "../cell/review.js";
import { filterAndSort } from "./filter.js";
import { Signal } from "../lib/signal.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("./casefile.js").CaseFile} CaseFile */

const PORTION = 120;
const LINGER = 200;

export class Grid {
  /** Ids of the selected cells. @type {Signal<Set<number>>} */
  selectionChanged = new Signal();
  /** @type {Set<number>} */
  selected = new Set();
  /** The cells shown, in order. @type {Cell[]} */
  order = [];

  #file;
  #view;
  #hooks;
  /** @type {Map<number, Card>} */
  #cards = new Map();
  #rendered = PORTION;
  #current = 0;
  #anchor = 0;
  #list = h("ul", { class: "cells", "aria-label": "Cells" });
  #end = h("div", { class: "end" });
  /** Ids of the cards in or near the window. @type {Set<number>} */
  #nearby = new Set();
  #near = new IntersectionObserver((seen) => this.#cameNear(seen), {
    root: document.getElementById("page"),
    rootMargin: "600px",
  });

  /**
   * @param {CaseFile} file
   * @param {import("./filter.js").View} view
   * @param {{open: (id: number) => void, heat: () => string, cycleHeat: () => void}} hooks
   */
  constructor(file, view, hooks) {
    this.#file = file;
    this.#view = view;
    this.#hooks = hooks;
    this.element = h("div", { class: "grid" }, this.#list, this.#end);
    this.#list.addEventListener("click", (event) => this.#clicked(event));
    this.#list.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list.addEventListener("focusin", (event) => this.#pointed(event, true));
    this.#list.addEventListener("pointerover", (event) => this.#pointed(event, false));
    this.#near.observe(this.#end);
    this.refresh();
  }

  /** Update after cells have changed. */
  refresh() {
    for (const id of [...this.#cards.keys()]) if (!this.#file.cells.has(id)) this.#drop(id);
    for (const [id, card] of this.#cards)
      card.update(/** @type {Cell} */ (this.#file.cells.get(id)));
    this.setView(this.#view, false);
  }

  /** @param {import("./filter.js").View} view @param {boolean} [restart] Start with the first portion. */
  setView(view, restart = true) {
    this.#view = view;
    if (restart) this.#rendered = PORTION;
    const at = this.order.findIndex((cell) => cell.id === this.#current);
    this.order = filterAndSort(this.#file.cells.values(), view);
    if (!this.order.some((cell) => cell.id === this.#current)) {
      // The current cell was filtered out, for example by a review: the next one takes its place.
      this.#current = this.order[Math.min(Math.max(at, 0), this.order.length - 1)]?.id ?? 0;
    }
    this.#render();
  }

  /** @param {number} id Cell to focus; its card is created if necessary. */
  focus(id) {
    const at = this.order.findIndex((cell) => cell.id === id);
    if (at < 0) {
      this.#cards.get(this.#current)?.open.focus(); // filtered out in the meantime
      return;
    }
    if (at >= this.#rendered) {
      this.#rendered = at + PORTION;
      this.#render();
    }
    this.#setCurrent(id);
    const card = this.#cards.get(id);
    card?.open.focus();
    card?.element.scrollIntoView({ block: "nearest" });
  }

  selectShown() {
    this.#select(new Set(this.order.map((cell) => cell.id)));
  }

  clearSelection() {
    this.#select(new Set());
  }

  /** Draw the heatmaps of the cards in or near the window. */
  drawHeat() {
    for (const card of this.#cards.values()) {
      this.#near.unobserve(card.element);
      this.#near.observe(card.element);
    }
  }

  close() {
    this.#near.disconnect();
  }

  #render() {
    const held = /** @type {HTMLElement} */ (document.activeElement);
    const inside = this.#list.contains(held);
    const wanted = this.order.slice(0, this.#rendered).map((cell) => this.#card(cell).element);
    const children = [...this.#list.children];
    // If new cells only follow those shown, append them and touch nothing else.
    if (children.every((element, at) => element === wanted[at]))
      this.#list.append(...wanted.slice(children.length));
    else render(this.#list, wanted);
    this.#end.hidden = this.#rendered >= this.order.length;
    this.#setCurrent(this.#current);
    if (!inside) return;
    if (held.isConnected) held.focus({ preventScroll: true });
    else this.#cards.get(this.#current)?.open.focus();
  }

  /** @param {Cell} cell @returns {Card} */
  #card(cell) {
    let card = this.#cards.get(cell.id);
    if (!card) {
      card = new Card(this.#file, cell);
      card.setSelected(this.selected.has(cell.id));
      this.#cards.set(cell.id, card);
      this.#near.observe(card.element);
    }
    return card;
  }

  /** @param {number} id */
  #drop(id) {
    const card = this.#cards.get(id);
    if (!card) return;
    this.#near.unobserve(card.element);
    this.#cards.delete(id);
    if (this.selected.delete(id)) this.selectionChanged.emit(this.selected);
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #cameNear(seen) {
    for (const { isIntersecting, target } of seen) {
      this.#nearby[isIntersecting ? "add" : "delete"](idOf(target));
      if (!isIntersecting) continue;
      if (target === this.#end) {
        if (this.#rendered >= this.order.length) continue;
        this.#rendered += PORTION;
        this.#render();
      } else if (this.#hooks.heat() === "all") this.#heatWhileNear(idOf(target));
    }
  }

  #heatWhileNear(/** @type {number} */ id) {
    void this.#heat(id, () => this.#nearby.has(id) && this.#hooks.heat() === "all");
  }

  /** @param {number} id @param {() => boolean} wanted */
  async #heat(id, wanted) {
    try {
      await this.#cards.get(id)?.picture.showHeat(wanted);
    } catch {
      // no heatmap now; the banner shows that the server is down
    }
  }

  /** Request a heatmap only if the pointer stays: it crosses many cells. */
  #heatIfStill(/** @type {number} */ id) {
    const pointed = () => Boolean(this.#cards.get(id)?.element.matches(":hover, :focus-within"));
    if (pointed()) void this.#heat(id, pointed);
  }

  /** @param {Event} event @param {boolean} focused */
  #pointed(event, focused) {
    const id = idOf(/** @type {Element} */ (event.target));
    if (!id) return;
    if (focused) this.#setCurrent(id);
    if (this.#hooks.heat() === "off") return;
    if (this.#file.cells.get(id)?.heatmap) void this.#heat(id, () => true);
    else setTimeout(() => this.#heatIfStill(id), LINGER);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const id = idOf(target);
    if (target.closest(".check")) {
      if (target.matches("input")) this.#toggle(id, event.shiftKey);
    } else if (target.closest(".open")) {
      if (event.shiftKey || event.ctrlKey || event.metaKey) this.#toggle(id, event.shiftKey);
      else this.#hooks.open(id);
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const key = plainKey(event);
    const action = actions().find((one) => one.key === key);
    const steps = this.#steps(key);
    if (steps) this.#move(steps);
    else if (key === "Home" || key === "End") this.#move(key === "Home" ? -Infinity : Infinity);
    else if (action) void review(this.#file, this.#current, action);
    else if (key === "u") void undo(this.#file);
    else if (key === "s") this.#toggle(this.#current, event.shiftKey);
    else if (key === "h") this.#hooks.cycleHeat();
    else if (key === "?") showKeys();
    else if (key === "Escape" && this.selected.size) this.clearSelection();
    else return;
    event.preventDefault();
  }

  /** @param {string} key @returns {number} Number of cells that a key moves by. */
  #steps(key) {
    const near = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[key];
    if (near) return near;
    const rows = { ArrowDown: 1, ArrowUp: -1, PageDown: 4, PageUp: -4 }[key];
    return rows ? rows * this.#columns() : 0;
  }

  #columns() {
    return getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
  }

  /** @param {number} steps */
  #move(steps) {
    const at = this.order.findIndex((cell) => cell.id === this.#current);
    const to = Math.min(Math.max(at + steps, 0), this.order.length - 1);
    if (this.order[to]) this.focus(this.order[to].id);
  }

  /** @param {number} id */
  #setCurrent(id) {
    this.#cards.get(this.#marked)?.setCurrent(false);
    this.#cards.get(id)?.setCurrent(true);
    this.#marked = this.#current = id;
  }

  #marked = 0;

  /** @param {number} id @param {boolean} through Select all cells from the last one to this one. */
  #toggle(id, through) {
    const next = new Set(this.selected);
    const on = !next.has(id);
    const ids = this.order.map((cell) => cell.id);
    const [from, to] = [ids.indexOf(this.#anchor), ids.indexOf(id)].sort((a, b) => a - b);
    const run = through && from >= 0 ? ids.slice(from, to + 1) : [id];
    for (const one of run) {
      if (on || through) next.add(one);
      else next.delete(one);
    }
    this.#anchor = id;
    this.#select(next);
  }

  /** @param {Set<number>} next */
  #select(next) {
    for (const id of new Set([...this.selected, ...next]))
      this.#cards.get(id)?.setSelected(next.has(id));
    this.selected = next;
    this.element.classList.toggle("selecting", next.size > 0);
    this.selectionChanged.emit(next);
  }
}

/** @param {Element} element @returns {number} The id of the card it is in, or 0. */
function idOf(element) {
  const card = /** @type {HTMLElement|null} */ (element.closest("[data-id]"));
  return Number(card?.dataset.id ?? 0);
}
