/** Pictures of a smear in a dialog: choose the cells to cut out, and add them to the case. */

import { label, points, proposed, readScale } from "./choice.js";
import { finish } from "./fieldsnotice.js";
import { dialog, open } from "../lib/dialogs.js";
import { h, render, setText, svg } from "../lib/dom.js";
import { baseName, count } from "../lib/format.js";
import { problem, toast } from "../lib/toast.js";
import { cutCells, findCells } from "../server/api.js";
import { queue } from "../upload/dropzone.js";

/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */
/** @typedef {import("../server/types.js").FieldCells} FieldCells */

/** The scale that was confirmed for a case, asked once; null for "unknown". @type {Map<string, number|null>} */
const scales = new Map();

/** @param {CaseFile} file @param {number[]} pictures Ids of the pictures in the case. */
export function openFields(file, pictures) {
  new FieldView(file, pictures);
}

class FieldView {
  #file;
  #pictures;
  #at = 0;
  #box;
  /** @type {File|null} */
  #source = null;
  /** @type {FieldCells|null} */
  #field = null;
  /** @type {Set<number>} */
  #chosen = new Set();
  /** Ends the requests for a picture when it is left. */
  #leaving = new AbortController();
  #place = h("p", { class: "soft", "aria-live": "polite" });
  #body = h("div", { class: "field-body" });
  #add = h("button", { type: "button", class: "primary", onclick: () => void this.#addCells() });
  #skip = h("button", { type: "button", onclick: () => void this.#step() }, "Skip this picture");

  /** @param {CaseFile} file @param {number[]} pictures */
  constructor(file, pictures) {
    this.#file = file;
    this.#pictures = pictures;
    this.#box = dialog(
      { title: "Find cells", class: "field-view", onclose: () => this.#leaving.abort() },
      this.#place,
      this.#body,
      h("div", { class: "buttons" }, this.#add, this.#skip),
    );
    open(this.#box, this.#skip);
    void this.#load();
  }

  get #id() {
    return this.#pictures[this.#at];
  }

  /** With its folder: two folders may hold pictures of one name. */
  get #path() {
    return this.#file.cells.get(this.#id)?.name ?? "";
  }

  get #name() {
    return baseName(this.#path);
  }

  /** The confirmed scale of the case; undefined while it is not known whether there is one. */
  get #scale() {
    return scales.get(this.#file.id);
  }

  async #load() {
    this.#leaving.abort();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.#field = null;
    this.#source = null;
    this.#chosen.clear();
    this.#skip.disabled = false;
    setText(
      this.#place,
      `Picture ${this.#at + 1} of ${this.#pictures.length}: ${this.#name}. Looking for cells…`,
    );
    render(this.#body);
    this.#showButton();
    try {
      const source = await this.#file.source(this.#id);
      if (signal.aborted) return;
      if (!source)
        throw new Error("The file is no longer in this page. Add it again, but not in a ZIP file.");
      const found = await findCells(source, this.#name, this.#scale ?? null, signal);
      if (signal.aborted) return;
      if (found.problem) throw new Error(found.problem);
      this.#source = source;
      this.#field = found;
      this.#chosen = proposed(found.cells);
      this.#draw(found);
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      setText(this.#place, `${this.#name} cannot be used: ${why}`);
    }
  }

  /** @param {FieldCells} field */
  #draw(field) {
    const objects = count(field.cells.length, "object");
    setText(
      this.#place,
      `Picture ${this.#at + 1} of ${this.#pictures.length}: ${field.name}. ${objects} found. Choose the cells to add.`,
    );
    const outlines = new Map(field.cells.map((cell) => [cell.number, this.#outline(cell)]));
    const boxes = field.cells.map((cell) => this.#checkbox(cell, outlines));
    const drawn = svg(
      "svg",
      { viewBox: `0 0 ${field.width} ${field.height}`, "aria-hidden": "true" },
      svg("image", { href: field.picture, width: field.width, height: field.height }),
      [...outlines.values()],
      field.cells.map((cell) => number(cell, field.height / 26)),
    );
    render(
      this.#body,
      this.#scaleRow(field),
      h("div", { class: "field-picture" }, drawn),
      h(
        "fieldset",
        { class: "field-cells" },
        h("legend", {}, "Cells"),
        boxes.length ? boxes : h("p", {}, "No white cell was found in this picture."),
      ),
    );
    drawn.addEventListener("click", (event) => {
      const number = /** @type {Element} */ (event.target).getAttribute("data-number");
      if (number) boxes[Number(number) - 1]?.querySelector("input")?.click();
    });
    this.#showButton();
  }

  /** @param {import("./choice.js").FieldCell} cell */
  #outline(cell) {
    const taken = this.#chosen.has(cell.number);
    return svg("polygon", { points: points(cell), "data-number": cell.number, "data-on": taken });
  }

  /** @param {import("./choice.js").FieldCell} cell @param {Map<number, SVGElement>} outlines */
  #checkbox(cell, outlines) {
    const box = h("input", {
      type: "checkbox",
      checked: this.#chosen.has(cell.number),
      onchange: () => {
        if (box.checked) this.#chosen.add(cell.number);
        else this.#chosen.delete(cell.number);
        outlines.get(cell.number)?.toggleAttribute("data-on", box.checked);
        this.#showButton();
      },
      onfocus: () => outlines.get(cell.number)?.toggleAttribute("data-focus", true),
      onblur: () => outlines.get(cell.number)?.toggleAttribute("data-focus", false),
    });
    return h("label", { class: "inline" }, box, label(cell));
  }

  /** The scale is asked once for a case. @param {FieldCells} field */
  #scaleRow(field) {
    if (this.#scale !== undefined) return null;
    const suggested = field.um_per_px === null ? "" : String(field.um_per_px);
    const input = h("input", {
      type: "text",
      inputmode: "decimal",
      size: 8,
      value: suggested,
      "aria-describedby": "scale-words",
    });
    const words = h(
      "p",
      { class: "soft small-text", id: "scale-words" },
      field.um_per_px === null
        ? `Unknown: ${field.scale_text}. Size is diagnostic. Look up the scale of your microscope (about 0.05 to 0.1 with a 100x objective).`
        : `${field.scale_text[0].toUpperCase()}${field.scale_text.slice(1)}. Confirm it, or enter the value of your microscope. It applies to all pictures of this case.`,
    );
    const confirm = () => {
      const scale = readScale(input.value);
      if (scale === null) {
        input.setAttribute("aria-invalid", "true");
        setText(words, "Enter µm per pixel as a number from 0.01 to 1, for example 0.08.");
        input.focus();
      } else this.#confirmed(scale);
    };
    return h(
      "div",
      { class: "field-scale" },
      h("label", {}, "Scale, µm per pixel ", input),
      h("button", { type: "button", class: "primary", onclick: confirm }, "Confirm"),
      h(
        "button",
        { type: "button", onclick: () => this.#confirmed(null) },
        "Continue without a scale",
      ),
      words,
    );
  }

  /** @param {number|null} scale */
  #confirmed(scale) {
    scales.set(this.#file.id, scale);
    void this.#load();
  }

  #showButton() {
    const known = this.#scale !== undefined && this.#field !== null;
    this.#add.disabled = !known || this.#chosen.size === 0;
    setText(
      this.#add,
      this.#field && this.#scale === undefined
        ? "Confirm the scale first"
        : `Add ${count(this.#chosen.size, "cell")}`,
    );
  }

  async #addCells() {
    const [source, { signal }] = [this.#source, this.#leaving];
    if (!source) return;
    this.#add.disabled = true;
    this.#skip.disabled = true; // the picture is not skipped but added
    try {
      const chosen = [...this.#chosen];
      const zip = await cutCells(source, this.#name, this.#scale ?? null, chosen, signal);
      // The dialog is closed, or the case is deleted: nothing is added.
      if (signal.aborted || this.#file.gone) return;
      const name = `${this.#path.replace(/(?<=[^/])\.[^./]*$/, "")}.zip`;
      finish(this.#file, this.#id);
      queue.add(this.#file, [{ file: new File([zip], name, { type: "application/zip" }), name }]);
      if (this.#scale === null)
        toast(
          "The scale of these cells is unknown, so answers that depend on size are unreliable.",
        );
      await this.#step();
    } catch (error) {
      if (signal.aborted) return;
      problem("The cells could not be cut out.", error);
      this.#skip.disabled = false;
      this.#showButton();
    }
  }

  async #step() {
    this.#at += 1;
    if (this.#at < this.#pictures.length) await this.#load();
    else this.#box.close();
  }
}

/** The number of a cell beside its outline. @param {import("./choice.js").FieldCell} cell @param {number} size */
function number(cell, size) {
  const x = Math.min(...cell.outline.map(([across]) => across));
  const y = Math.min(...cell.outline.map(([, down]) => down));
  return svg("text", { x, y: Math.max(y, size), "font-size": size }, cell.number);
}
