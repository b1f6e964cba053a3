/**
 * Turn dropped, pasted or chosen files and folders into a list of files with relative paths. Files
 * keep the order in which they were dropped; those of a folder, which has none, are in natural order.
 */

import { isWantedInFolder } from "./batches.js";

/** @typedef {import("./batches.js").Upload} Upload */
const NATURAL = new Intl.Collator("en", { numeric: true });

/** @typedef {{uploads: Upload[], skipped: number}} Found `skipped`: number of other files in folders. */

/**
 * Read a drop or a paste. The entries are taken at once, before the event ends; then folders are
 * walked to any depth.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Found>}
 */
export async function fromTransfer(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  /** @type {Found} */
  const found = { uploads: [], skipped: 0 };
  for (const entry of entries) {
    if (!entry) continue;
    if (entry instanceof File) found.uploads.push({ file: entry, name: entry.name });
    else await walk(entry, "", found);
  }
  return found;
}

/**
 * Read a file input: all chosen files, or the images of a chosen folder.
 *
 * @param {HTMLInputElement} input
 * @returns {Found}
 */
export function fromInput(input) {
  const all = [...(input.files ?? [])].map((file) => ({
    file,
    name: file.webkitRelativePath || file.name,
  }));
  const uploads = input.webkitdirectory
    ? all
        .filter(({ name }) => isWantedInFolder(name))
        .sort((a, b) => NATURAL.compare(a.name, b.name))
    : all;
  return { uploads, skipped: all.length - uploads.length };
}

/** @param {FileSystemEntry} entry @param {string} folder @param {Found} found */
async function walk(entry, folder, found) {
  const path = folder + entry.name;
  if (entry.isDirectory) {
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (const child of await children(reader)) await walk(child, `${path}/`, found);
  } else if (folder && !isWantedInFolder(path)) {
    found.skipped += 1;
  } else {
    const file = await new Promise((resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    found.uploads.push({ file, name: path });
  }
}

/** @param {FileSystemDirectoryReader} reader @returns {Promise<FileSystemEntry[]>} */
async function children(reader) {
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    // A reader returns about a hundred entries at a time, and none at the end.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all.sort((a, b) => NATURAL.compare(a.name, b.name));
    all.push(...some);
  }
}
