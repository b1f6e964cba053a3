/** The cells of a picture that a person has chosen. Pure functions. */

/** @typedef {import("../server/types.js").FieldCell} FieldCell */

/** @param {FieldCell[]} cells @returns {Set<number>} The cells that are whole and single. */
export function proposed(cells) {
  return new Set(cells.filter((cell) => !cell.left_out).map((cell) => cell.number));
}

/** @param {FieldCell} cell @returns {string} "3: 12.1 µm, touching" */
export function label(cell) {
  const size = cell.diameter_um === null ? "" : `${cell.diameter_um.toFixed(1)} µm`;
  const flags = cell.flags.filter((flag) => flag !== "unknown scale");
  return [`${cell.number}`, [size, ...flags].filter(Boolean).join(", ")].filter(Boolean).join(": ");
}

/**
 * Read a scale as a person writes it.
 *
 * @param {string} text
 * @returns {number|null} µm per pixel from 0.01 to 1; null for anything else.
 */
export function readScale(text) {
  const number = Number(text.trim().replace(",", "."));
  return text.trim() !== "" && number >= 0.01 && number <= 1 ? number : null;
}

/** @param {FieldCell} cell @returns {string} The points of a polygon in SVG. */
export function points(cell) {
  return cell.outline.map(([x, y]) => `${x},${y}`).join(" ");
}
