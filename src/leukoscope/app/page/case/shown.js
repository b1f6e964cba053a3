/** What the page keeps of a cell while it is open, because the server does not store it. */

/** @typedef {import("../server/types.js").CellPrediction} CellPrediction */
/** @typedef {import("../server/types.js").Cell} Cell */

const SHOWN = /** @type {const} */ ([
  "picture",
  "heatmap",
  "heatmap_kind",
  "features",
  "neighbors",
]);

/**
 * Copy picture, heatmap etc. from `source` to a cell.
 *
 * @param {Cell} cell
 * @param {CellPrediction} source
 * @returns {Cell}
 */
export function keepShown(cell, source) {
  const merged = { ...cell };
  for (const part of SHOWN) if (source[part]) /** @type {any} */ (merged)[part] = source[part];
  return merged;
}
