/** Preferences in the local storage of the browser: small choices, never results. */

const PREFIX = "leukoscope.";

/**
 * @param {string} name
 * @param {string} fallback
 * @returns {string}
 */
export function recall(name, fallback) {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback;
  } catch {
    return fallback; // storage may be disabled; the page works without it
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // as above
  }
}
