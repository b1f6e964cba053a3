/** Numbers and dates in words. */

const NBSP = "\u00a0";
const WHOLE = new Intl.NumberFormat("en-GB");
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/**
 * A probability as a percentage; only a certain one is shown as 0 % or 100 %.
 *
 * @param {number|null|undefined} p
 * @returns {string}
 */
export function percent(p) {
  if (p === null || p === undefined) return "";
  const rounded = Math.round(p * 100);
  if (rounded === 100 && p < 1) return `>${NBSP}99${NBSP}%`;
  if (rounded === 0 && p > 0) return `<${NBSP}1${NBSP}%`;
  return `${rounded}${NBSP}%`;
}

/** @param {number|null|undefined} p @returns {string} One decimal, for figures of a group. */
export function percentOneDecimal(p) {
  return p === null || p === undefined ? "unknown" : `${(p * 100).toFixed(1)}${NBSP}%`;
}

/** @param {number} number @returns {string} */
export function integer(number) {
  return WHOLE.format(number);
}

/** @param {number} number @param {string} noun @param {string} [plural] @returns {string} */
export function count(number, noun, plural = `${noun}s`) {
  return `${integer(number)} ${number === 1 ? noun : plural}`;
}

/** The part of what was set or measured on persons left out in turn, as a card names it. */
export const CROSS_VALIDATION = "cross-validation";

/** @param {{part: string, persons: number}} set @returns {string} On whom something was set. */
export function describePersons({ part, persons }) {
  return part === CROSS_VALIDATION
    ? `${count(persons, "person")} left out in turn`
    : count(persons, `${part} person`);
}

/** @param {number} number @param {number} digits @returns {string} */
export function significant(number, digits = 3) {
  return number.toLocaleString("en-GB", { maximumSignificantDigits: digits });
}

/** @param {string|Date} when @returns {string} */
export function date(when) {
  return DATE.format(new Date(when));
}

/** @param {string} text @returns {string} */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} path @returns {string} The last part of a path. */
export function baseName(path) {
  return path.split("/").pop() || path;
}
