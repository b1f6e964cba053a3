/** Group files into requests, and choose the time until the next try. Pure functions. */

import { baseName } from "../lib/format.js";
import { vocabulary } from "../server/vocabulary.js";

/** @typedef {{file: File, name: string}} Upload A file with its path relative to what was dropped. */

/** Requests of moderate size: predictions arrive soon, and a failed request is cheap to repeat. */
export const MAX_COUNT = 16;
export const MAX_BYTES = 12_000_000;

/**
 * Group files into requests, in their order. An archive gets its own request, because its content is
 * not known.
 *
 * @param {Upload[]} uploads
 * @param {number} [maxCount]
 * @param {number} [maxBytes]
 * @returns {Upload[][]}
 */
export function batches(uploads, maxCount = MAX_COUNT, maxBytes = MAX_BYTES) {
  /** @type {Upload[][]} */
  const done = [];
  /** @type {Upload[]} */
  let open = [];
  let bytes = 0;
  for (const upload of uploads) {
    const alone = isArchive(upload.name);
    if (open.length && (alone || open.length >= maxCount || bytes + upload.file.size > maxBytes)) {
      done.push(open);
      open = [];
      bytes = 0;
    }
    if (alone) {
      done.push([upload]);
      continue;
    }
    open.push(upload);
    bytes += upload.file.size;
  }
  if (open.length) done.push(open);
  return done;
}

/** @param {string} name @returns {boolean} */
export function isArchive(name) {
  return /\.zip$/i.test(name);
}

/**
 * Tell whether to send a file found in a folder. Files chosen one by one are always sent.
 *
 * @param {string} path
 * @returns {boolean}
 */
export function isWantedInFolder(path) {
  const parts = path.split("/");
  const hidden = parts.some((part) => part.startsWith(".") || part === "__MACOSX");
  return !hidden && (isArchive(path) || isImage(path));
}

/** @param {string} path @returns {string} The subject in a C-NMC file name, or "". */
export function subjectOf(path) {
  const pattern = new RegExp(`^${vocabulary().file_name_pattern}$`);
  return pattern.exec(baseName(path))?.[1] ?? "";
}

/** @param {string} path @returns {boolean} Whether the suffix is that of an image format. */
function isImage(path) {
  const name = path.toLowerCase();
  return vocabulary().image_formats.some(({ suffixes }) => suffixes.some((s) => name.endsWith(s)));
}

/**
 * Time in seconds until the next try: that requested by the server, or exponential backoff up to 15.
 *
 * @param {number} tries Number of failed tries, from 1.
 * @param {number|null} [retryAfter] The server's Retry-After.
 * @returns {number}
 */
export function waitSeconds(tries, retryAfter = null) {
  if (retryAfter !== null && retryAfter >= 0) return Math.min(Math.max(retryAfter, 0.2), 60);
  return Math.min(2 ** (tries - 1), 15);
}
