/** The banner of a case with pictures that are not one cell on black, such as fields of a smear. */

import { h } from "../lib/dom.js";
import { count } from "../lib/format.js";

/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

/** The flag of such a picture, as the server writes it. */
const NO_BORDER = "no black border";

/** Pictures whose cells were added; they are not offered again. Ids are those of a case. @type {WeakMap<CaseFile, Set<number>>} */
const finished = new WeakMap();

/** @param {CaseFile} file @param {number} id A picture whose cells were added. */
export function finish(file, id) {
  finished.set(file, (finished.get(file) ?? new Set()).add(id));
}

/** @param {CaseFile} file @returns {HTMLElement|false} False without such a picture. */
export function fieldsNotice(file) {
  const pictures = [...file.cells.values()]
    .filter((cell) => cell.flags.includes(NO_BORDER) && !finished.get(file)?.has(cell.id))
    .map((cell) => cell.id);
  if (!pictures.length) return false;
  const verb = pictures.length === 1 ? "is" : "are";
  const find = async () => {
    const { openFields } = await import("./fieldview.js");
    openFields(file, pictures);
  };
  return h(
    "div",
    { class: "note fields-note" },
    h(
      "p",
      {},
      `${count(pictures.length, "picture")} ${verb} not a single cell on a black background. Find the cells in pictures of a smear, and add them to this case.`,
    ),
    h("button", { type: "button", onclick: () => void find() }, "Find cells"),
  );
}
