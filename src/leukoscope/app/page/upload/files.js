/** From what a person dropped, pasted or chose to a list of files with relative paths. */

import { isWantedInFolder } from "./batches.js";

/** @typedef {import("./batches.js").Upload} Upload */
/** @typedef {{uploads: Upload[], left: number}} Found `left`: files in folders that are no images. */

/**
 * Read a drop or a paste. The entries must be taken before the event ends, which this does; folders
 * are then walked to any depth.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Found>}
 */
export async function fromTransfer(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  /** @type {Found} */
  const found = { uploads: [], left: 0 };
  for (const entry of entries) {
    if (!entry) continue;
    if (entry instanceof File) found.uploads.push({ file: entry, name: entry.name });
    else await walk(entry, "", found);
  }
  return found;
}

/**
 * Read a file input; a chosen folder gives its images, chosen files are all taken.
 *
 * @param {HTMLInputElement} input
 * @returns {Found}
 */
export function fromInput(input) {
  const all = [...(input.files ?? [])].map((file) => ({
    file,
    name: file.webkitRelativePath || file.name,
  }));
  const uploads = input.webkitdirectory ? all.filter(({ name }) => isWantedInFolder(name)) : all;
  return { uploads, left: all.length - uploads.length };
}

/** @param {FileSystemEntry} entry @param {string} folder @param {Found} found */
async function walk(entry, folder, found) {
  const path = folder + entry.name;
  if (entry.isDirectory) {
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (const child of await children(reader)) await walk(child, `${path}/`, found);
  } else if (folder && !isWantedInFolder(path)) {
    found.left += 1;
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
    // A reader gives a hundred or so at a time, and nothing once it is through.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
