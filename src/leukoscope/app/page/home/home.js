/** The home view: drop area, example cells, and recent cases. */

import { render, h } from "../lib/dom.js";
import { CaseList } from "./caselist.js";
import { modelChoice } from "./modelchoice.js";
import {
  chooseButtons,
  isLocal,
  storage,
  storageKnown,
  storageNotice,
  listExamples,
  tryExamples,
} from "../upload/dropzone.js";
import { vocabulary } from "../server/vocabulary.js";

const THUMBS = 5;

/** @returns {Promise<import("../case/caseview.js").View>} */
export async function homeView() {
  document.title = "Leukoscope";
  storage.images = false;
  storage.model = "";
  const cases = new CaseList();
  void cases.load();
  return { element: h("div", { class: "view home" }, dropArea(), exampleRow(), cases.element) };
}

function dropArea() {
  const where = isLocal()
    ? "Nothing leaves this computer."
    : `Images are sent to ${location.hostname} and nowhere else.`;
  const stored = h("p", { class: "soft small-text", id: "keep-words" }, storageNotice(false));
  const box = h("input", {
    type: "checkbox",
    "aria-describedby": "keep-words",
    onchange: () => {
      storage.images = box.checked;
      stored.textContent = storageNotice(box.checked);
    },
  });
  void storageKnown.then(() => render(stored, storageNotice(box.checked)));
  return h(
    "section",
    { class: "drop-area", "aria-labelledby": "drop-title" },
    h("h1", { id: "drop-title", tabindex: -1 }, "Drop cell images here"),
    h(
      "p",
      { class: "lead" },
      `One or more images, a folder, or a ZIP file. Each cell is predicted as blast or normal, or left uncertain. ${where}`,
    ),
    chooseButtons(() => null, true),
    modelChoice((sha256) => (storage.model = sha256)),
    h(
      "div",
      { class: "keep" },
      h("label", { class: "inline" }, box, "Keep the images with the case"),
      stored,
    ),
    h(
      "p",
      { class: "soft small-text" },
      `${formats()}. Best: single cells like those that the model was trained on. The shipped model was trained on cells cut out on a black background.`,
    ),
  );
}

function exampleRow() {
  const thumbs = h("div", { class: "thumbs", "aria-hidden": "true" });
  const button = h(
    "button",
    {
      type: "button",
      onclick: async () => {
        button.disabled = true;
        await tryExamples();
        button.disabled = false;
      },
    },
    "Try the example cells",
  );
  listExamples().then(
    (examples) =>
      render(
        thumbs,
        spread(examples, THUMBS).map(({ url }) => h("img", { src: url, alt: "", loading: "lazy" })),
      ),
    () => undefined, // decoration only: the button shows the error
  );
  return h(
    "section",
    { class: "panel examples", "aria-labelledby": "examples-title" },
    h(
      "div",
      {},
      h("h2", { id: "examples-title" }, "Do you have no images?"),
      h(
        "p",
        { class: "soft small-text" },
        "Synthetic images from a random generator. They are not cells of any person.",
      ),
    ),
    thumbs,
    button,
  );
}

/**
 * Select `n` evenly spaced elements of a list.
 *
 * @template T
 * @param {T[]} list
 * @param {number} n
 * @returns {T[]}
 */
function spread(list, n) {
  return list.filter(
    (_, at) => Math.floor((at * n) / list.length) !== Math.floor(((at - 1) * n) / list.length),
  );
}

/** @returns {string} "BMP, PNG or TIFF" */
function formats() {
  const names = vocabulary().image_formats.map(({ name }) => name);
  return new Intl.ListFormat("en-US", { type: "disjunction" }).format(names);
}
