/**
 * Zoom, brightness and contrast of the opened cell. They change what is seen, not the prediction, and
 * stay while cells are looked at one after the other.
 */

import { h, setVars } from "../lib/dom.js";

const NEUTRAL = { zoom: 1, brightness: 1, contrast: 1, x: 0, y: 0 };
const MOST = 6;
const STEP = 1.25;
/** CSS pixels that Shift and an arrow key move a zoomed cell by. */
const PAN = 40;

/** @typedef {"zoom"|"brightness"|"contrast"} Setting */

/** @type {[Setting, string, number, number][]} Name, word, smallest and largest value. */
const SLIDERS = [
  ["zoom", "Zoom", 1, MOST],
  ["brightness", "Brightness", 0.4, 2.5],
  ["contrast", "Contrast", 0.4, 3],
];

export class Adjust {
  #stage;
  #values = { ...NEUTRAL };
  #sliders = /** @type {Record<Setting, HTMLInputElement>} */ ({});
  #reset = h("button", { type: "button", class: "plain", onclick: () => this.reset() }, "Reset");

  /** @param {HTMLElement} stage The element with the picture. */
  constructor(stage) {
    this.#stage = stage;
    this.element = h(
      "details",
      { class: "adjust" },
      h("summary", {}, "Zoom, brightness, contrast"),
      h(
        "div",
        { class: "adjust-fields" },
        SLIDERS.map((row) => this.#slider(row)),
        h(
          "p",
          { class: "soft small-text" },
          "This changes only what you see; the prediction uses the original image. To move a zoomed cell, drag it, or press Shift and an arrow key.",
        ),
        this.#reset,
      ),
    );
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.#grab(event));
    this.#apply();
  }

  reset() {
    this.#change(NEUTRAL);
  }

  /**
   * Handle a key of the dialog.
   *
   * @param {KeyboardEvent} event
   * @returns {boolean} Whether it was one of this panel's keys.
   */
  pressed({ key, shiftKey }) {
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [PAN, 0],
      ArrowRight: [-PAN, 0],
      ArrowUp: [0, PAN],
      ArrowDown: [0, -PAN],
    });
    if (key === "+" || key === "=") this.#zoom(STEP);
    else if (key === "-" || key === "−") this.#zoom(1 / STEP);
    else if (key === "0") this.reset();
    else if (shiftKey && key in moves) this.#pan(...moves[key]);
    else return false;
    return true;
  }

  /** @param {[Setting, string, number, number]} row */
  #slider([name, word, min, max]) {
    const slider = h("input", {
      type: "range",
      min,
      max,
      step: 0.05,
      value: 1,
      oninput: () => this.#change({ [name]: slider.valueAsNumber }),
    });
    this.#sliders[name] = slider;
    return h("label", {}, word, slider);
  }

  /** @param {number} factor */
  #zoom(factor) {
    this.#change({ zoom: this.#values.zoom * factor });
  }

  /** @param {number} x @param {number} y */
  #pan(x, y) {
    this.#change({ x: this.#values.x + x, y: this.#values.y + y });
  }

  /** @param {Partial<typeof NEUTRAL>} change */
  #change(change) {
    this.#values = { ...this.#values, ...change };
    this.#apply();
  }

  #apply() {
    const values = this.#values;
    values.zoom = Math.min(Math.max(values.zoom, 1), MOST);
    // No further than to the edge of the picture.
    const most = ((values.zoom - 1) * this.#stage.clientHeight) / 2;
    values.x = Math.min(Math.max(values.x, -most), most);
    values.y = Math.min(Math.max(values.y, -most), most);
    setVars(this.#stage, {
      "--zoom": values.zoom,
      "--brightness": values.brightness,
      "--contrast": values.contrast,
      "--x": `${values.x}px`,
      "--y": `${values.y}px`,
    });
    this.#stage.classList.toggle("zoomed", values.zoom > 1);
    for (const [name, word] of SLIDERS) {
      const slider = this.#sliders[name];
      if (document.activeElement !== slider) slider.value = String(values[name]);
      slider.setAttribute("aria-valuetext", `${word} ${Math.round(values[name] * 100)} %`);
    }
    const neutral = /** @type {(keyof typeof NEUTRAL)[]} */ (Object.keys(NEUTRAL));
    this.#reset.hidden = neutral.every((name) => values[name] === NEUTRAL[name]);
  }

  /** The wheel zooms with Ctrl, as a pinch on a touchpad does; else it scrolls. @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? STEP : 1 / STEP);
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (this.#values.zoom <= 1 || event.button !== 0) return;
    event.preventDefault();
    this.#stage.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ next) => this.#pan(next.movementX, next.movementY);
    this.#stage.addEventListener("pointermove", move);
    this.#stage.addEventListener(
      "lostpointercapture",
      () => this.#stage.removeEventListener("pointermove", move),
      { once: true },
    );
  }
}
