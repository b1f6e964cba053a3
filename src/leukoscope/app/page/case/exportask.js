/** Exports that can hold images ask about them first. */

import { casePath } from "./casefile.js";
import { dialog, open } from "../lib/dialogs.js";
import { h } from "../lib/dom.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */

/** What an export is without the images, by its format. @type {Record<string, string>} */
const WITHOUT = {
  html: "The report then has no pictures.",
  cohort:
    "The ZIP then contains only the table of labels. Before you train on it, put the files into its folder images/, with their names in the table.",
};

/** @param {string} format @returns {boolean} */
export function asksAboutImages(format) {
  return format in WITHOUT;
}

/** @param {CaseFile} file @param {string} format */
export function askAboutImages(file, format) {
  const kept = file.head.keep_images;
  const link = (/** @type {boolean} */ images, /** @type {string} */ word, primary = false) =>
    h(
      "a",
      {
        class: primary ? "button primary" : "button",
        href: casePath(file.id, `/export?format=${format}&images=${images}`),
        download: "",
        onclick: () => setTimeout(() => box.close()),
      },
      word,
    );
  const box = dialog(
    { title: "Export with images?", class: "small" },
    h(
      "p",
      {},
      kept
        ? `The image files are kept with this case. Everybody who gets the export can see them. ${WITHOUT[format]}`
        : `The images of this case are not kept, so the export cannot contain them. ${WITHOUT[format]}`,
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", onclick: () => box.close() }, "Cancel"),
      link(false, "Without images", !kept),
      kept && link(true, "With images", true),
    ),
  );
  open(box);
}
