/** Values for the plots. Pure functions. */

/** @typedef {import("../server/types.js").AbstentionThresholds} AbstentionThresholds */
/** @typedef {{sensitivity: number[], specificity: number[]}} Curve */

/**
 * Count probabilities in equal bins from 0 to 1; 1 belongs to the last.
 *
 * @param {Iterable<number|null>} probabilities Nulls are ignored.
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
 * Sensitivity and specificity at a threshold, by linear interpolation of the curve.
 *
 * @param {Curve} curve Values on an even grid of thresholds from 0 to 1.
 * @param {number} threshold
 * @returns {{sensitivity: number, specificity: number}}
 */
export function expectedAt(curve, threshold) {
  return {
    sensitivity: between(curve.sensitivity, threshold),
    specificity: between(curve.specificity, threshold),
  };
}

/**
 * Sensitivity and specificity of the answers that are given: of the cells that are not uncertain.
 *
 * @param {Curve} curve Of all cells, each classified.
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {{sensitivity: number|null, specificity: number|null, blasts: number, normal: number}}
 *   Null without an answer; then the fractions of blasts and normal cells that get an answer.
 */
export function answeredAt(curve, threshold, abstains) {
  const [low, high] = uncertainRange(threshold, abstains);
  const [below, above] = [expectedAt(curve, low), expectedAt(curve, high)];
  const blasts = above.sensitivity + (1 - below.sensitivity);
  const normal = below.specificity + (1 - above.specificity);
  return {
    sensitivity: blasts > 0 ? above.sensitivity / blasts : null,
    specificity: normal > 0 ? below.specificity / normal : null,
    blasts,
    normal,
  };
}

/**
 * The verdict of a probability by the rule of the server, to preview other thresholds.
 *
 * @param {number} p
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains Conformal thresholds; null if it never abstains.
 * @returns {"blast"|"normal"|"uncertain"}
 */
export function verdictAt(p, threshold, abstains) {
  const predicted = p >= threshold ? "blast" : "normal";
  if (!abstains) return predicted;
  const maybeBlast = p >= abstains.all_from;
  const maybeNormal = p <= abstains.hem_to;
  if (maybeBlast === maybeNormal) return "uncertain";
  return maybeBlast === (predicted === "blast") ? predicted : "uncertain";
}

/**
 * The range of probabilities that are uncertain; empty if both ends are equal.
 *
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {[number, number]}
 */
export function uncertainRange(threshold, abstains) {
  const ends = abstains ? [threshold, abstains.all_from, abstains.hem_to] : [threshold];
  return [Math.min(...ends), Math.max(...ends)];
}

/**
 * @param {Iterable<number>} probabilities
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {Record<"blast"|"normal"|"uncertain", number>}
 */
export function countVerdictsAt(probabilities, threshold, abstains) {
  const counts = { blast: 0, normal: 0, uncertain: 0 };
  for (const p of probabilities) counts[verdictAt(p, threshold, abstains)] += 1;
  return counts;
}

/** @param {number[]} values @param {number} threshold */
function between(values, threshold) {
  const position = Math.min(Math.max(threshold, 0), 1) * (values.length - 1);
  const low = Math.floor(position);
  const high = Math.min(low + 1, values.length - 1);
  return values[low] + (values[high] - values[low]) * (position - low);
}
