/** Format numbers, dates and names; compare names. */

const NBSP = "\u00a0";
const WHOLE = new Intl.NumberFormat("en-US");
const NATURAL = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/**
 * A probability as a percentage; only exact values are shown as 0 % or 100 %.
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

/** @param {number|null|undefined} p @returns {string} With one decimal. */
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

/** The value of `part` in a model card for out-of-fold results. */
export const CROSS_VALIDATION = "cross-validation";

/** @param {{part: string, persons: number}} set @returns {string} "31 persons (validation)" */
export function describePersons({ part, persons }) {
  return `${count(persons, "person")} (${part})`;
}

/** @param {number} number @param {number} digits @returns {string} */
export function significant(number, digits = 3) {
  return number.toLocaleString("en-US", { maximumSignificantDigits: digits });
}

/** @param {string|Date} when @returns {string} */
export function date(when) {
  return DATE.format(new Date(when));
}

/**
 * Join texts that may be whole sentences, without the full stop of one before the next.
 *
 * @param {(string|false|null|undefined)[]} texts Empty ones are left out.
 * @param {string} by
 * @returns {string}
 */
export function joined(texts, by = ", ") {
  const found = /** @type {string[]} */ (texts.filter(Boolean));
  return found
    .map((text, at) => (at < found.length - 1 ? text.replace(/(?<!\.\.)[.;,:]\s*$/, "") : text))
    .join(by);
}

/** @param {string} text @returns {string} */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Compare names as people sort them: 2 before 10, capitals as small letters.
 *
 * @param {string} a
 * @param {string} b
 */
export function byName(a, b) {
  return NATURAL.compare(a, b);
}

/** @param {string} path @returns {string} The last part of a path. */
export function baseName(path) {
  return path.split("/").pop() || path;
}
