/** One cell in a dialog: picture and heatmap, prediction, and review. */

import { Adjust } from "./adjust.js";
import { isHidden } from "./blind.js";
import { predictionView, detailsView } from "./prediction.js";
import { dialog, open } from "../lib/dialogs.js";
import { render, h, setText } from "../lib/dom.js";
import { baseName, integer } from "../lib/format.js";
import { plainKey, showKeys } from "../lib/keys.js";
import { Picture } from "./picture.js";
import { recall, remember } from "../lib/prefs.js";
import { actions, review, undo } from "./review.js";
import { advancesAfterReview, ReviewPanel } from "./reviewpanel.js";
import { removeCells } from "../case/selection.js";
import { legend, opacitySlider } from "../case/viewoptions.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */
/** @typedef {import("../case/grid.js").Grid} Grid */

/** @param {CaseFile} file @param {Grid} grid @param {number} id */
export function openCell(file, grid, id) {
  new CellView(file, grid, id);
}

class CellView {
  #file;
  /** Ids in the order of the grid when the dialog opened: a review must not reorder them. */
  #ids;
  #at;
  #box;
  #place = h("p", { class: "soft place", "aria-live": "polite" });
  #stage = h("div", { class: "stage" });
  #adjust = new Adjust(this.#stage);
  #answer = h("section", { class: "answer", "aria-label": "Prediction" });
  #details = h("div", { class: "cell-facts" });
  #panel = new ReviewPanel((action) => void this.#review(action));
  #previous = this.#stepButton("←", "Previous cell", -1);
  #next = this.#stepButton("→", "Next cell", 1);
  #kind = h("p", { class: "soft small-text heat-kind", "aria-live": "polite" });
  /** @type {Cell|undefined} */
  #shown;
  /** @type {Picture|undefined} */
  #picture;

  /** @param {CaseFile} file @param {Grid} grid @param {number} id */
  constructor(file, grid, id) {
    this.#file = file;
    this.#ids = grid.order.map((cell) => cell.id);
    this.#at = Math.max(this.#ids.indexOf(id), 0);
    const stop = [file.changed.on(() => this.#draw()), this.#panel.follow()];
    const onclose = () => {
      for (const one of stop) one();
      grid.focus(this.#id);
    };
    this.#box = dialog(
      { title: "Cell", class: "cell-view", onclose },
      h(
        "div",
        { class: "cell-body" },
        h(
          "div",
          { class: "cell-left" },
          this.#stage,
          h("div", { class: "stepper" }, this.#previous, this.#place, this.#next),
          this.#heatControls(),
          this.#adjust.element,
        ),
        h("div", { class: "cell-right" }, this.#answer, this.#panel.element, this.#details),
      ),
    );
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    this.#draw();
    open(this.#box, this.#panel.first);
  }

  get #id() {
    return this.#ids[this.#at];
  }

  /** @param {number} steps */
  #step(steps) {
    const to = this.#at + steps;
    if (to < 0 || to >= this.#ids.length) return;
    this.#at = to;
    this.#panel.clearNote();
    this.#draw();
  }

  #draw() {
    const cell = this.#file.cells.get(this.#id);
    if (!cell) {
      this.#skip();
      return;
    }
    this.#previous.disabled = this.#at === 0;
    this.#next.disabled = this.#at === this.#ids.length - 1;
    setText(this.#place, `${integer(this.#at + 1)} of ${integer(this.#ids.length)}`);
    if (cell !== this.#shown) this.#show(cell);
  }

  /** @param {Cell} cell */
  #show(cell) {
    const another = cell.id !== this.#shown?.id || cell.picture !== this.#shown.picture;
    this.#shown = cell;
    const heading = this.#box.querySelector("h2");
    if (heading) setText(heading, baseName(cell.name) || `Cell ${cell.id}`);
    if (another) {
      this.#picture = new Picture(this.#file, cell);
      render(this.#stage, this.#picture.element);
      void this.#fetchRest(cell);
    }
    const [kind, text] = heatmapStatus(cell, this.#file.canExplain(cell.id));
    this.#kind.dataset.kind = kind;
    setText(this.#kind, text);
    this.#panel.show(cell);
    const hidden = isHidden(cell);
    this.#box.toggleAttribute("data-blind", hidden);
    render(
      this.#answer,
      hidden
        ? h("p", {}, "Blind review: the verdict is shown after your review.")
        : predictionView(cell, this.#file.head.abstains ?? null),
    );
    render(
      this.#details,
      detailsView(cell, () => void removeCells(this.#file, [cell.id])),
    );
  }

  /** Draw the heatmap. It may have to be fetched, and the measurements with it. */
  async #fetchRest(/** @type {Cell} */ cell) {
    // A heatmap is only computed while somebody looks at the cell, and then kept.
    const wanted = () =>
      cell.id === this.#id && (this.#heatOn || !cell.features || !cell.neighbors);
    try {
      if (cell.heatmap || wanted()) await this.#picture?.showHeat(wanted);
    } catch {
      return; // keep what is shown; the banner shows that the server is down
    }
    if (cell.id === this.#id) this.#draw();
  }

  /** The cell was removed: show the next one. */
  #skip() {
    this.#ids.splice(this.#at, 1);
    this.#at = Math.min(this.#at, this.#ids.length - 1);
    if (this.#ids.length) this.#draw();
    else this.#box.close();
  }

  #heatControls() {
    const box = h("input", {
      type: "checkbox",
      checked: recall("cell-heat", "off") === "on",
      onchange: () => {
        remember("cell-heat", box.checked ? "on" : "off");
        this.#showHeat(box.checked);
        if (box.checked && this.#shown) void this.#fetchRest(this.#shown);
      },
    });
    this.#showHeat(box.checked);
    return h(
      "div",
      { class: "heat-controls" },
      h("label", { class: "inline" }, box, "Heatmap", h("kbd", { "aria-hidden": "true" }, "H")),
      opacitySlider(),
      legend(),
      this.#kind,
    );
  }

  #toggleHeat() {
    /** @type {HTMLElement|null} */ (this.#box.querySelector(".heat-controls input"))?.click();
  }

  get #heatOn() {
    return !this.#kind.hidden;
  }

  /** @param {boolean} on */
  #showHeat(on) {
    this.#stage.classList.toggle("with-heat", on);
    this.#kind.hidden = !on;
  }

  /** @param {import("./review.js").Action} action */
  async #review(action) {
    const id = this.#id;
    if (!this.#box.open) return; // closed in the meantime: there is no cell that the user sees
    if (!(await review(this.#file, id, action, this.#panel.note))) return;
    this.#panel.clearNote();
    if (advancesAfterReview() && id === this.#id) this.#step(1);
  }

  async #undo() {
    const cell = await undo(this.#file);
    const at = cell ? this.#ids.indexOf(cell.id) : -1;
    if (at >= 0) this.#step(at - this.#at);
  }

  /** @param {string} word @param {string} name @param {number} steps */
  #stepButton(word, name, steps) {
    const onclick = () => this.#step(steps);
    return h("button", { type: "button", "aria-label": name, onclick }, word);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const key = plainKey(event);
    const action = actions().find((one) => one.key === key);
    if (key && this.#adjust.pressed(event)) event.preventDefault();
    else if (["ArrowRight", "ArrowDown", "j"].includes(key)) this.#step(1);
    else if (["ArrowLeft", "ArrowUp", "k"].includes(key)) this.#step(-1);
    else if (action) void this.#review(action);
    else if (key === "u") void this.#undo();
    else if (key === "h") this.#toggleHeat();
    else if (key === "?") showKeys();
    else return;
    event.preventDefault();
  }
}

/**
 * @param {Cell} cell
 * @param {boolean} possible Whether a heatmap can be computed.
 * @returns {[string, string]} Kind and description of the heatmap.
 */
function heatmapStatus({ heatmap_kind: kind, p_all }, possible) {
  if (kind === "exact") return [kind, "Exact contribution of each position to the prediction."];
  if (kind === "occlusion")
    return [kind, "Occlusion map (approximate): effect of smoothing each part of the cell."];
  if (p_all === null) return ["none", "No heatmap, because there is no prediction."];
  return possible
    ? ["pending", "Computing the heatmap…"]
    : ["missing", "No heatmap: the image is not kept. Add the file again."];
}
