/** Figures for the plots. Pure. */

/** @typedef {import("./types.js").Curve} Curve */

/**
 * Count probabilities in equal bins from 0 to 1; 1 belongs to the last.
 *
 * @param {Iterable<number|null>} probabilities Nulls are left out.
 * @param {number} bins
 * @returns {number[]}
 */
export function histogram(probabilities, bins) {
  const counts = new Array(bins).fill(0);
  for (const p of probabilities)
    if (p !== null) counts[Math.min(Math.max(Math.floor(p * bins), 0), bins - 1)] += 1;
  return counts;
}

/**
 * Sensitivity and specificity at a threshold, between the grid's values in a straight line.
 *
 * @param {Curve} curve Values for an even grid of thresholds from 0 to 1.
 * @param {number} threshold
 * @returns {{sensitivity: number, specificity: number}}
 */
export function expectedAt(curve, threshold) {
  return {
    sensitivity: between(curve.sensitivity, threshold),
    specificity: between(curve.specificity, threshold),
  };
}

/** @param {Iterable<number|null>} probabilities @param {number} threshold */
export function calledBlast(probabilities, threshold) {
  let blasts = 0;
  let answered = 0;
  for (const p of probabilities) {
    if (p === null) continue;
    answered += 1;
    if (p >= threshold) blasts += 1;
  }
  return { blasts, answered };
}

/** @param {number[]} values @param {number} threshold */
function between(values, threshold) {
  const at = Math.min(Math.max(threshold, 0), 1) * (values.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, values.length - 1);
  return values[low] + (values[high] - values[low]) * (at - low);
}
