/** View options: scale of the cells with a ruler, and heatmaps. Remembered in this browser. */

import { isBlind, setBlind } from "../cell/blind.js";
import { h, setVars } from "../lib/dom.js";
import { recall, remember } from "../lib/prefs.js";
import { Signal } from "../lib/signal.js";

/** CSS pixels for one original pixel. */
const SCALES = /** @type {Record<string, number>} */ ({ S: 0.25, M: 0.4, L: 0.65 });
const SIZES = /** @type {Record<string, string>} */ ({ S: "Small", M: "Medium", L: "Large" });
const HEAT = /** @type {Record<string, string>} */ ({ off: "Off", hover: "On hover", all: "All" });
const RULER = 100;

export class ViewOptions {
  /** The heat mode changed. @type {Signal<string>} */
  heatChanged = new Signal();
  #target;
  /** @type {HTMLElement} */
  #heatField;

  /** @param {HTMLElement} target Element that gets the CSS variables. */
  constructor(target) {
    this.#target = target;
    this.heat = recall("heat", "hover") in HEAT ? recall("heat", "hover") : "hover";
    this.#heatField = segmented("Heatmap", HEAT, this.heat, (mode) => this.setHeat(mode));
    const size = recall("size", "M") in SCALES ? recall("size", "M") : "M";
    this.element = h(
      "div",
      { class: "view-options" },
      h(
        "div",
        { class: "option" },
        segmented(
          "Size",
          SIZES,
          size,
          (key) => this.#setSize(key),
          (key) => key,
        ),
        h("span", { class: "ruler" }, h("span", { class: "ruler-bar" }), `${RULER} px`),
      ),
      h(
        "div",
        { class: "option" },
        this.#heatField,
        h("span", { class: "heat-only" }, opacitySlider()),
        legend(),
      ),
      blindBox(),
    );
    this.#setSize(size);
    this.#apply();
  }

  cycleHeat() {
    const modes = Object.keys(HEAT);
    this.setHeat(modes[(modes.indexOf(this.heat) + 1) % modes.length]);
  }

  /** @param {string} mode */
  setHeat(mode) {
    this.heat = mode;
    remember("heat", mode);
    const box = this.#heatField.querySelector(`input[value=${mode}]`);
    if (box instanceof HTMLInputElement) box.checked = true;
    this.#apply();
    this.heatChanged.emit(mode);
  }

  #apply() {
    this.#target.dataset.heat = this.heat;
  }

  /** @param {string} key */
  #setSize(key) {
    remember("size", key);
    setVars(this.#target, { "--scale": SCALES[key] });
    this.#target.dataset.size = key;
  }
}

/** A checkbox for the blind mode. */
function blindBox() {
  const box = h("input", {
    type: "checkbox",
    checked: isBlind(),
    onchange: () => setBlind(box.checked),
  });
  return h(
    "label",
    { class: "inline", title: "The verdict of a cell is shown after its review" },
    box,
    "Review blind",
  );
}

/** A slider for the opacity of all heatmaps. */
export function opacitySlider() {
  const set = () => {
    remember("heat-opacity", slider.value);
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
    setVars(document.documentElement, { "--heat": slider.valueAsNumber / 100 });
  };
  const slider = h("input", {
    type: "range",
    min: 10,
    max: 100,
    step: 5,
    value: recall("heat-opacity", "55"),
    "aria-label": "Opacity of the heatmaps",
    oninput: set,
  });
  set();
  return slider;
}

/** Legend of the heatmap colors. */
export function legend() {
  return h(
    "span",
    { class: "legend heat-only" },
    h("span", {}, "for normal"),
    h("span", { class: "legend-bar", "aria-hidden": "true" }),
    h("span", {}, "for blast"),
  );
}

/**
 * A row of radio buttons.
 *
 * @param {string} name
 * @param {Record<string, string>} choices
 * @param {string} chosen
 * @param {(key: string) => void} onChoice
 * @param {(key: string) => string} [shown] Text of the button, if not the name of the choice.
 * @returns {HTMLElement}
 */
function segmented(name, choices, chosen, onChoice, shown) {
  const group = `choice-${name.toLowerCase()}`;
  return h(
    "fieldset",
    { class: "segmented" },
    h("legend", {}, name),
    Object.entries(choices).map(([key, word]) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: group,
          value: key,
          checked: key === chosen,
          "aria-label": shown ? word : null,
          onchange: () => onChoice(key),
        }),
        h("span", {}, shown ? shown(key) : word),
      ),
    ),
  );
}
