/** Histogram of the probabilities, with the limits of the verdicts. */

import { limitWords } from "./limits.js";
import { histogram, uncertainRange, verdictAt } from "./plotdata.js";
import { render, svg } from "../lib/dom.js";
import { percent } from "../lib/format.js";

const BINS = 20;
const WIDTH = 300;
const HEIGHT = 90;
const GAP = 1.5;

/**
 * @param {SVGElement} plot
 * @param {number[]} probabilities
 * @param {number} threshold
 * @param {import("../server/types.js").AbstentionThresholds|null} abstains
 */
export function drawHistogram(plot, probabilities, threshold, abstains) {
  const counts = histogram(probabilities, BINS);
  const most = Math.max(1, ...counts);
  const step = WIDTH / BINS;
  const bars = counts.map((n, bin) => {
    // Minimum height, so that bins with few cells are visible.
    const height = n ? Math.max(2, (n / most) * (HEIGHT - 8)) : 0;
    const middle = (bin + 0.5) / BINS;
    return svg("rect", {
      class: `bar-${verdictAt(middle, threshold, abstains)}`,
      x: bin * step + GAP / 2,
      y: HEIGHT - height,
      width: step - GAP,
      height,
      rx: 1.5,
    });
  });
  const [low, high] = uncertainRange(threshold, abstains);
  render(
    plot,
    svg("rect", {
      class: "zone",
      x: low * WIDTH,
      y: 0,
      width: (high - low) * WIDTH,
      height: HEIGHT,
    }),
    bars,
    svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
    [...new Set([low, high])].map((limit) => {
      const at = limit * WIDTH;
      return svg("line", { class: "threshold", x1: at, x2: at, y1: 0, y2: HEIGHT });
    }),
  );
  plot.setAttribute("aria-label", describe(counts, most, limitWords(threshold, abstains)));
}

/** @returns {SVGElement} */
export function histogramPlot() {
  return svg("svg", {
    class: "histogram",
    role: "img",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
  });
}

/** @param {number[]} counts @param {number} most @param {string} limits */
function describe(counts, most, limits) {
  const fullest = counts.indexOf(most);
  const [from, to] = [fullest / BINS, (fullest + 1) / BINS];
  const where = counts.some(Boolean)
    ? `Most cells are from ${percent(from)} to ${percent(to)}. `
    : "";
  return `Distribution of the probability of ALL. ${where}The limits: ${limits}.`;
}
