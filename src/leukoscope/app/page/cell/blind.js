/** The blind mode: the verdict of a cell is shown after its review, so that it cannot lead it. */

import { recall, remember } from "../lib/prefs.js";
import { Signal } from "../lib/signal.js";

/** @typedef {import("../server/types.js").Cell} Cell */

/** @type {Signal<boolean>} */
export const blindChanged = new Signal();

/** @returns {boolean} */
export function isBlind() {
  return recall("blind", "off") === "on";
}

/** @param {boolean} on */
export function setBlind(on) {
  remember("blind", on ? "on" : "off");
  blindChanged.emit(on);
}

/** @param {Cell} cell @returns {boolean} Whether the verdict of this cell is not shown yet. */
export function isHidden(cell) {
  return isBlind() && !cell.review && cell.verdict !== "error";
}
