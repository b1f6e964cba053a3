/** Plot of sensitivity and specificity against the threshold, with a slider. */

import { limitWords } from "./limits.js";
import { answeredAt } from "./plotdata.js";
import { render, h, setText, svg } from "../lib/dom.js";
import { percentOneDecimal } from "../lib/format.js";

/** @typedef {import("./plotdata.js").Curve} Curve */
/** @typedef {import("./plotdata.js").AbstentionThresholds} AbstentionThresholds */

const WIDTH = 600;
const HEIGHT = 240;

/**
 * @param {Curve} curve
 * @param {number} own Threshold of the model.
 * @param {AbstentionThresholds|null} abstains
 * @returns {HTMLElement}
 */
export function curvePlot(curve, own, abstains) {
  const last = curve.sensitivity.length - 1;
  const answered = curve.sensitivity.map((_, at) => answeredAt(curve, at / last, abstains));
  const marker = svg("g", {});
  const plot = svg(
    "svg",
    {
      class: "curve",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label":
        "Sensitivity and specificity of the answers, by the threshold. The values at the slider are shown below.",
    },
    [0.25, 0.5, 0.75].map((y) =>
      svg("line", { class: "rule", x1: 0, x2: WIDTH, y1: y * HEIGHT, y2: y * HEIGHT }),
    ),
    svg("line", { class: "own", x1: own * WIDTH, x2: own * WIDTH, y1: 0, y2: HEIGHT }),
    svg("path", { class: "sensitivity", d: path(answered.map((one) => one.sensitivity)) }),
    svg("path", { class: "specificity", d: path(answered.map((one) => one.specificity)) }),
    marker,
  );
  const slider = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value: own,
    "aria-label": "Threshold",
    oninput: () => draw(slider.valueAsNumber),
  });
  const threshold = h("dd", {});
  const sensitivity = h("dd", {});
  const specificity = h("dd", {});
  const uncertain = h("dd", {});
  /** @param {number} value */
  const draw = (value) => {
    const expected = answeredAt(curve, value, abstains);
    const left = [expected.blasts, expected.normal].map((part) => percentOneDecimal(1 - part));
    setText(threshold, `${percentOneDecimal(value)}: ${limitWords(value, abstains)}`);
    setText(uncertain, `${left[0]} of the blasts, ${left[1]} of the normal cells`);
    setText(sensitivity, percentOneDecimal(expected.sensitivity));
    setText(specificity, percentOneDecimal(expected.specificity));
    slider.setAttribute(
      "aria-valuetext",
      `${percentOneDecimal(value)}: sensitivity ${percentOneDecimal(expected.sensitivity)}, specificity ${percentOneDecimal(expected.specificity)}`,
    );
    render(
      marker,
      svg("line", { class: "threshold", x1: value * WIDTH, x2: value * WIDTH, y1: 0, y2: HEIGHT }),
    );
  };
  const back = h(
    "button",
    {
      type: "button",
      class: "plain",
      onclick: () => {
        slider.value = String(own);
        draw(own);
      },
    },
    "Reset to default",
  );
  draw(own);
  return h(
    "div",
    { class: "curve-box" },
    h(
      "div",
      { class: "plot" },
      plot,
      h(
        "div",
        { class: "y-ends", "aria-hidden": "true" },
        h("span", {}, "100 %"),
        h("span", {}, "0 %"),
      ),
      slider,
    ),
    h(
      "div",
      { class: "scale-ends", "aria-hidden": "true" },
      h("span", {}, "0 %"),
      h("span", {}, "threshold"),
      h("span", {}, "100 %"),
    ),
    abstains && h("p", { class: "soft small-text" }, "On the cells with an answer:"),
    h(
      "dl",
      { class: "readout" },
      h("div", {}, h("dt", {}, "Threshold"), threshold),
      h("div", { class: "is-sensitivity" }, h("dt", {}, "Sensitivity (solid line)"), sensitivity),
      h("div", { class: "is-specificity" }, h("dt", {}, "Specificity (dashed line)"), specificity),
      abstains && h("div", {}, h("dt", {}, "Left uncertain"), uncertain),
    ),
    back,
  );
}

/** @param {(number|null)[]} values @returns {string} */
function path(values) {
  const last = values.length - 1;
  return values
    .map(
      (value, at) =>
        `${at ? "L" : "M"}${((at / last) * WIDTH).toFixed(1)} ${((1 - (value ?? 0)) * HEIGHT).toFixed(1)}`,
    )
    .join("");
}
