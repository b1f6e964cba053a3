/** The banner of a case whose images state no subject but come from several folders. */

import { cellsByFolder } from "./folders.js";
import { h } from "../lib/dom.js";
import { count, integer } from "../lib/format.js";
import { problem, toast } from "../lib/toast.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

/** As many folders are named in the banner. */
const NAMED = 4;

/** @param {CaseFile} file @returns {HTMLElement|false} False without such images. */
export function foldersNotice(file) {
  const folders = cellsByFolder(file.cells.values());
  if (folders.size < 2) return false;
  const names = [...folders.keys()];
  const more = names.length - NAMED;
  const listed = `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${integer(more)} more` : ""}`;
  const cells = [...folders.values()].flat().length;
  return h(
    "div",
    { class: "note fields-note" },
    h(
      "p",
      {},
      `${count(cells, "image")} without a subject come from ${names.length} folders: ${listed}. If each folder is one person, use its name as the subject: each person then gets an answer.`,
    ),
    h(
      "button",
      { type: "button", onclick: () => void useFolders(file, folders) },
      "Use folder names",
    ),
  );
}

/** @param {CaseFile} file @param {Map<string, number[]>} folders */
async function useFolders(file, folders) {
  try {
    for (const [subject, ids] of folders) await file.move(ids, subject);
  } catch (error) {
    problem("The subjects could not be set.", error);
    return;
  }
  toast(`${count(folders.size, "subject")} set from folder names.`);
}
