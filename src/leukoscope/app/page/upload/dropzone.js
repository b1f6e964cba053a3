/** Add images by buttons, drag and drop, paste, or from the examples; all use one queue. */

import { call } from "../server/api.js";
import { caseName } from "./casename.js";
import { createCase } from "../case/casefile.js";
import { h } from "../lib/dom.js";
import { fromInput, fromTransfer } from "./files.js";
import { count } from "../lib/format.js";
import { caseHash, go } from "../lib/router.js";
import { problem, toast } from "../lib/toast.js";
import { UploadQueue } from "./queue.js";

/** @typedef {import("./batches.js").Upload} Upload */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

export const queue = new UploadQueue();

/**
 * `images`: new cases keep their images; chosen before images are added, never remembered.
 * `model`: the sha256 of their model; empty for the first one of the server.
 * `ephemeral`: the server forgets all cases when it stops.
 */
export const storage = { images: false, model: "", ephemeral: false };

/** Ask the server once whether it stores cases. */
export const storageKnown = call("GET", "/readyz").then(
  ({ ephemeral }) => void (storage.ephemeral = ephemeral),
  () => undefined, // the first view says that the server does not answer
);

/** @returns {boolean} Whether the server runs on this computer. */
export function isLocal() {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);
}

/** @param {boolean} images @returns {string} Text on what is stored where. */
export function storageNotice(images) {
  const where = isLocal() ? "on this computer" : `on the Leukoscope server (${location.hostname})`;
  if (storage.ephemeral)
    return "Nothing is stored: predictions, names, reviews and images are lost when the server stops.";
  return images
    ? `The image files are stored ${where}, with predictions, file names and reviews, until you delete the case.`
    : `Predictions, file names and reviews are stored ${where}. The images are not stored: they stay in this page until you close it.`;
}

/**
 * Add files to the open case, or to a new one.
 *
 * @param {{uploads: Upload[], skipped: number}} found
 * @param {CaseFile|null} file
 */
export async function addFiles({ uploads, skipped }, file) {
  if (skipped)
    toast(`Skipped ${count(skipped, "file")} in the folder: not an image of a supported format.`);
  if (!uploads.length) {
    if (!skipped) toast("No files found.");
    return;
  }
  try {
    const into = file ?? (await newCase(uploads));
    queue.add(into, uploads);
  } catch (error) {
    problem("The images could not be sent.", error);
  }
}

/** @returns {Promise<{name: string, url: string}[]>} The example cells of the server. */
export function listExamples() {
  return call("GET", "/v1/examples");
}

/** Add the example cells to a new case. */
export async function tryExamples() {
  try {
    const examples = await listExamples();
    const uploads = await Promise.all(
      examples.map(async ({ name, url }) => {
        const response = await fetch(url, { credentials: "same-origin" });
        if (!response.ok) throw new Error(`The example ${name} could not be read.`);
        const blob = await response.blob();
        return { file: new File([blob], name, { type: blob.type }), name };
      }),
    );
    const file = await createCase({
      name: "Example cells (synthetic)",
      keep_images: storage.images,
      model_sha256: storage.model,
    });
    go(caseHash(file.id));
    queue.add(file, uploads);
  } catch (error) {
    problem("The example cells could not be opened.", error);
  }
}

/**
 * Buttons to choose files or a folder.
 *
 * @param {() => CaseFile|null} target
 * @param {boolean} [primary]
 * @returns {HTMLElement}
 */
export function chooseButtons(target, primary = false) {
  const files = picker(target, { multiple: true });
  const folder = picker(target, { webkitdirectory: true });
  return h(
    "div",
    { class: "choose" },
    h(
      "button",
      { type: "button", class: primary ? "primary big" : "primary", onclick: () => files.click() },
      primary ? "Choose images" : "Add images",
    ),
    // Phones have no folder picker.
    "webkitdirectory" in folder &&
      h(
        "button",
        { type: "button", class: primary ? "big folder" : "folder", onclick: () => folder.click() },
        primary ? "Choose a folder" : "Add folder",
      ),
    files,
    folder,
  );
}

/**
 * Accept files that are dropped anywhere in the window or pasted.
 *
 * @param {() => CaseFile|null} openFile
 */
export function acceptDrops(openFile) {
  const words = h("p", {});
  const cover = h("div", { class: "drop-cover", hidden: true }, words);
  document.body.append(cover);
  const carriesFiles = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const file = openFile();
    words.textContent = file ? `Drop to add to “${file.head.name}”` : "Drop to create a new case";
    cover.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) cover.hidden = true;
  });
  addEventListener("drop", (event) => {
    cover.hidden = true;
    if (!event.dataTransfer || !carriesFiles(event)) return;
    event.preventDefault();
    receive(event.dataTransfer, openFile());
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) receive(event.clipboardData, openFile());
  });
}

/** @param {DataTransfer} transfer @param {CaseFile|null} file */
function receive(transfer, file) {
  fromTransfer(transfer).then(
    (found) => addFiles(found, file),
    (error) => problem("The dropped files could not be read.", error),
  );
}

/** @param {Upload[]} uploads @returns {Promise<CaseFile>} */
async function newCase(uploads) {
  const name = caseName(uploads, new Date());
  const file = await createCase({
    name,
    keep_images: storage.images,
    model_sha256: storage.model,
  });
  go(caseHash(file.id));
  return file;
}

/** @param {() => CaseFile|null} target @param {Record<string, boolean>} props */
function picker(target, props) {
  const input = h("input", {
    type: "file",
    hidden: true,
    ...props,
    onchange: () => {
      void addFiles(fromInput(input), target());
      input.value = ""; // so that the same files can be chosen again
    },
  });
  return input;
}
