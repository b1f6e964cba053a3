/** The limits of the verdicts, in words and as zones of a bar. */

import { percentOneDecimal } from "../lib/format.js";
import { uncertainRange } from "./plotdata.js";

/** @typedef {import("./plotdata.js").AbstentionThresholds} AbstentionThresholds */

/**
 * The limits in words, as "blast from 77.0 %, normal below 26.0 %".
 *
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {string}
 */
export function limitWords(threshold, abstains) {
  const [low, high] = uncertainRange(threshold, abstains);
  const blast = `blast from ${percentOneDecimal(high)}`;
  return low === high
    ? `${blast}, normal below`
    : `${blast}, normal below ${percentOneDecimal(low)}`;
}

/**
 * The ends of the zones normal, uncertain and blast, as CSS variables.
 *
 * @param {number} threshold
 * @param {AbstentionThresholds|null} abstains
 * @returns {Record<string, number>}
 */
export function zoneVars(threshold, abstains) {
  const [low, high] = uncertainRange(threshold, abstains);
  return { "--low": low, "--high": high };
}
