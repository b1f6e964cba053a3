/** How images come in: buttons, drops anywhere, a paste, the example cells. One queue for all. */

import { call } from "../server/api.js";
import { subjectOf } from "./batches.js";
import { createCase } from "../case/casefile.js";
import { h } from "../lib/dom.js";
import { fromInput, fromTransfer } from "./files.js";
import { count, date } from "../lib/format.js";
import { caseHash, go } from "../lib/router.js";
import { problem, toast } from "../lib/toast.js";
import { UploadQueue } from "./queue.js";

/** @typedef {import("./batches.js").Upload} Upload */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

export const queue = new UploadQueue();

/**
 * Whether new cases keep their images: chosen before anything is added, never remembered. And
 * whether the server forgets all cases when it stops.
 */
export const storage = { images: false, ephemeral: false };

/** Ask the server, once, whether it keeps anything. */
export const storageKnown = call("GET", "/readyz").then(
  ({ ephemeral }) => void (storage.ephemeral = ephemeral),
  () => undefined, // the first view says that the server does not answer
);

/** @returns {boolean} Whether the server runs on the computer this page is looked at on. */
export function isLocal() {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);
}

/** @param {boolean} images @returns {string} What is stored where. */
export function storageNotice(images) {
  const where = isLocal() ? "on this computer" : `on the Leukoscope server (${location.hostname})`;
  if (storage.ephemeral)
    return "Nothing is kept: answers, names, reviews and images are gone when the server stops.";
  return images
    ? `The image files are kept ${where}, with the answers, names and reviews, until you delete the case.`
    : `Answers, file names and reviews are kept ${where}. The images are not: they stay in this page until you close it.`;
}

/**
 * Add files to the open case, or to a new one.
 *
 * @param {{uploads: Upload[], left: number}} found
 * @param {CaseFile|null} file
 */
export async function addFiles({ uploads, left }, file) {
  if (left)
    toast(
      `${count(left, "file")} in the folder ${left === 1 ? "is" : "are"} no image and ${left === 1 ? "was" : "were"} left out.`,
    );
  if (!uploads.length) {
    if (!left) toast("There was no file in that.");
    return;
  }
  try {
    const into = file ?? (await newCase(uploads));
    queue.add(into, uploads);
  } catch (error) {
    problem("The images were not sent.", error);
  }
}

/** @returns {Promise<{name: string, url: string}[]>} The example cells that come with the server. */
export function listExamples() {
  return call("GET", "/v1/examples");
}

/** Fetch the example cells and put them into a new case. */
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
    // Phones have no folders to choose.
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
 * Let files be dropped anywhere in the window, and pasted.
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
    words.textContent = file ? `Drop to add to “${file.head.name}”` : "Drop to start a new case";
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
    (error) => problem("What was dropped could not be read.", error),
  );
}

/** @param {Upload[]} uploads @returns {Promise<CaseFile>} */
async function newCase(uploads) {
  const name = caseName(uploads, new Date());
  const file = await createCase({ name, keep_images: storage.images });
  go(caseHash(file.id));
  return file;
}

/** @param {Upload[]} uploads @param {Date} now */
function caseName(uploads, now) {
  const subjects = new Set(uploads.map(({ name }) => subjectOf(name)).filter(Boolean));
  const [first] = subjects;
  if (!first) return date(now);
  const others = subjects.size > 1 ? ` and ${subjects.size - 1} more` : "";
  return `${date(now)}, subject ${first}${others}`;
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
