/** The name of a new case, from what was dropped. Pure functions. */

import { baseName, date } from "../lib/format.js";
import { isArchive, subjectOf } from "./batches.js";

/** @typedef {import("./batches.js").Upload} Upload */

/**
 * A case is named after its folder or ZIP file; else after the time and its subject.
 *
 * @param {Upload[]} uploads
 * @param {Date} now
 * @returns {string}
 */
export function caseName(uploads, now) {
  const containers = new Set(uploads.map(({ name }) => container(name)));
  if (!containers.has("")) return firstAndMore(containers);
  const subjects = new Set(uploads.map(({ name }) => subjectOf(name)).filter(Boolean));
  return subjects.size ? `${date(now)}, subject ${firstAndMore(subjects)}` : date(now);
}

/** @param {string} name @returns {string} The folder or ZIP file that a file was in; "" for none. */
function container(name) {
  const at = name.indexOf("/");
  if (at > 0) return name.slice(0, at);
  return isArchive(name) ? baseName(name).slice(0, -".zip".length) : "";
}

/** @param {Set<string>} names */
function firstAndMore(names) {
  const [first] = names;
  const text = first.slice(0, 150);
  return names.size > 1 ? `${text} and ${names.size - 1} more` : text;
}
