/**
 * The picture of a cell at the common scale: the crop that the model sees, the center of the stored
 * file, or a silhouette if neither is available. The heatmap lies over it.
 */

import { casePath } from "../case/casefile.js";
import { render, h, setVars, svg } from "../lib/dom.js";
import { drawHeatmap } from "./heatmap.js";

/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

export class Picture {
  #file;
  /** @type {Cell} */
  #cell;
  #shown = "";
  /** @type {number[][]|null} */
  #drawn = null;
  #drawnScale = 0;
  #frame = h("span", { class: "frame" });
  #canvas = h("canvas", { class: "heat", width: 1, height: 1, "aria-hidden": "true" });

  /** @param {CaseFile} file @param {Cell} cell */
  constructor(file, cell) {
    this.#file = file;
    this.#cell = cell;
    this.element = h("span", { class: "picture" }, this.#frame, this.#canvas);
    this.update(cell);
  }

  /** @param {Cell} cell */
  update(cell) {
    this.#cell = cell;
    const source = cell.picture ?? (cell.has_image ? this.#stored() : "");
    if (source === this.#shown && this.#frame.firstChild) return;
    this.#shown = source;
    render(this.#frame, source ? this.#image(source) : silhouette(cell));
  }

  /**
   * Draw the heatmap, after requesting it from the server if necessary and possible.
   *
   * @param {() => boolean} wanted Whether the cell is still visible, checked before the request.
   */
  async showHeat(wanted) {
    if (!this.#cell.heatmap && this.#file.canExplain(this.#cell.id))
      this.#cell = await this.#file.explain(this.#cell.id, wanted);
    const { heatmap } = this.#cell;
    const scale = this.#file.heatScale;
    if (!heatmap || (heatmap === this.#drawn && scale === this.#drawnScale)) return;
    this.#drawn = heatmap;
    this.#drawnScale = scale;
    drawHeatmap(this.#canvas, heatmap, scale);
  }

  #stored() {
    return casePath(this.#file.id, `/cells/${this.#cell.id}/image`);
  }

  /** @param {string} source */
  #image(source) {
    const image = h("img", {
      src: source,
      alt: "",
      decoding: "async",
      loading: "lazy",
      draggable: "false",
    });
    // A stored file is the whole image, of any size; its center is shown at the same scale.
    image.addEventListener("load", () => setVars(image, { "--natural": image.naturalWidth }));
    image.addEventListener("error", () => void this.#showCrop(), { once: true });
    return image;
  }

  /** The browser cannot show the stored file (TIFF): request the crop that the model sees. */
  async #showCrop() {
    try {
      this.update({ ...(await this.#file.explain(this.#cell.id, () => true)), has_image: false });
    } catch {
      render(this.#frame, silhouette(this.#cell));
    }
  }
}

/** @param {Cell} cell */
function silhouette(cell) {
  if (cell.verdict === "error")
    return svg(
      "svg",
      { class: "silhouette", viewBox: "0 0 100 100", "aria-hidden": "true" },
      svg("path", { d: "m36 36 28 28m0-28L36 64", class: "stroke" }),
    );
  return svg(
    "svg",
    { class: "silhouette", viewBox: "0 0 100 100", "aria-hidden": "true" },
    svg("path", { d: "M50 21c19-1 30 13 29 30S66 80 49 79 20 66 21 49s11-27 29-28Z" }),
    svg("path", {
      d: "M51 32c12-1 19 8 18 19s-9 18-20 17-17-10-16-19 8-16 18-17Z",
      class: "nucleus",
    }),
  );
}
