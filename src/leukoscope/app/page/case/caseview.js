/** The view of a case: the answers, then threshold and notes on one side, the cells on the other. */

import { openCase } from "./casefile.js";
import { AnswerPanel } from "../answer/answerpanel.js";
import { CaseHeadView } from "./casehead.js";
import { blindChanged, isBlind } from "../cell/blind.js";
import { fieldsNotice } from "../field/fieldsnotice.js";
import { openCell } from "../cell/cellview.js";
import { shownProbability } from "../cell/verdicts.js";
import { render, h, setText, setVars } from "../lib/dom.js";
import { foldersNotice } from "./foldersnotice.js";
import { Grid } from "./grid.js";
import { chooseButtons, storageNotice } from "../upload/dropzone.js";
import { servedModels } from "../server/models.js";
import { limitWords } from "./limits.js";
import { NotesPanel } from "./notes.js";
import { ThresholdPanel } from "./thresholdpanel.js";
import { SHOW_ALL } from "./filter.js";
import { selectionBar } from "./selection.js";
import { seenNotice } from "./seen.js";
import { Toolbar } from "./toolbar.js";
import { ViewOptions } from "./viewoptions.js";

/** @typedef {import("./casefile.js").CaseFile} CaseFile */
/** @typedef {{element: HTMLElement, file?: CaseFile, close?: (leaving?: boolean) => void, unsaved?: () => boolean}} View */

/** Latest sort order and filters of each case. @type {Map<string, import("./filter.js").View>} */
const views = new Map();

/** @param {string} id @returns {Promise<View>} */
export async function caseView(id) {
  const file = await openCase(id);
  const work = h("div", { class: "work" });
  const options = new ViewOptions(work);
  const view = views.get(id) ?? SHOW_ALL;
  const grid = new Grid(file, view, {
    open: (cell) => openCell(file, grid, cell),
    heat: () => options.heat,
    cycleHeat: () => options.cycleHeat(),
  });
  const toolbar = new Toolbar(view, (next) => {
    views.set(id, next);
    grid.setView(next);
    toolbar.update(file.cells, grid.order.length, true);
    showEmpty();
  });
  const head = new CaseHeadView(
    file,
    chooseButtons(() => file),
  );
  const answers = new AnswerPanel(file, (subject) => {
    toolbar.show({ subject });
    toolbar.element.scrollIntoView({ block: "start" });
  });
  const threshold = new ThresholdPanel(file);
  const notes = new NotesPanel(file);
  const empty = h("div", { class: "empty" });
  const notice = h("div", {});
  const offer = h("div", {});
  const caption = h("p", { class: "soft small-text grid-caption" });

  const showEmpty = () => {
    const none = file.cells.size === 0;
    empty.hidden = grid.order.length > 0;
    toolbar.element.hidden = options.element.hidden = none;
    caption.hidden = isBlind() || !hasPercentage(file);
    if (none)
      render(
        empty,
        h("h2", {}, "Drop cell images here"),
        h("p", { class: "soft" }, storageNotice(file.head.keep_images)),
      );
    else if (!empty.hidden)
      render(
        empty,
        h("p", {}, "No cell matches these filters."),
        h("button", { type: "button", onclick: () => toolbar.reset() }, "Show all"),
      );
  };
  const showLimits = () => {
    const words = limitWords(file.head.threshold, file.head.abstains ?? null);
    setText(caption, `The percentage of a cell is its probability of ALL: ${words}.`);
  };
  const showBlind = () => {
    const blind = isBlind();
    work.toggleAttribute("data-blind", blind);
    threshold.element.hidden = blind || file.cells.size === 0;
    caption.hidden ||= blind;
    answers.update(blind);
    if (blind) toolbar.hideVerdicts();
  };
  const update = () => {
    grid.refresh();
    toolbar.update(file.cells, grid.order.length);
    head.update();
    threshold.update();
    showLimits();
    render(offer, foldersNotice(file));
    render(notice, seenNotice(file), fieldsNotice(file), silhouettesNotice(file));
    showEmpty();
    showBlind();
  };
  const leave = [
    file.changed.on(update),
    file.headChanged.on(() => {
      head.update();
      threshold.update();
      showLimits();
      showBlind();
    }),
    options.heatChanged.on(() => grid.drawHeat()),
    blindChanged.on(update),
  ];
  update();
  void servedModels().then(
    (models) => {
      const ofCase = models.find(({ sha256 }) => sha256 === file.head.model_sha256) ?? null;
      threshold.setModel(ofCase);
      answers.setModel(ofCase);
      showBlind();
      setVars(document.documentElement, {
        "--crop": (ofCase ?? models[0]).card.input.crop,
      });
      if (!ofCase) notice.before(otherModel(file.head.model, models[0].name));
    },
    () => undefined, // without expected performance; everything else works
  );

  work.append(
    h(
      "aside",
      { class: "side", "aria-label": "Summary of the case" },
      threshold.element,
      notes.element,
    ),
    h(
      "section",
      { class: "main-column", "aria-label": "Cells" },
      toolbar.element,
      options.element,
      notice,
      caption,
      grid.element,
      empty,
      selectionBar(file, grid),
    ),
  );
  return {
    element: h("div", { class: "view case-view" }, head.element, offer, answers.element, work),
    file,
    unsaved: () => notes.unsaved,
    close: (leaving) => {
      notes.flush(leaving);
      grid.close();
      for (const stop of leave) stop();
    },
  };
}

/** @param {CaseFile} file @returns {boolean} Whether a percentage is shown for any cell. */
function hasPercentage(file) {
  return [...file.cells.values()].some((cell) => shownProbability(cell) !== null);
}

/** @param {CaseFile} file */
function silhouettesNotice(file) {
  const missing = [...file.cells.values()].filter(
    (cell) => !cell.picture && !cell.has_image && cell.verdict !== "error",
  );
  if (!missing.length) return null;
  return h(
    "p",
    { class: "note" },
    "The images of this case are not kept. Add the same files again to see them; no cell is added twice.",
  );
}

/** @param {string} ofCase @param {string} served */
function otherModel(ofCase, served) {
  return h(
    "p",
    { class: "note warning" },
    `This case has predictions of another model file (${ofCase}) than the one that the server uses now (${served}). You can read, review and export it. Add new images to a new case.`,
  );
}
