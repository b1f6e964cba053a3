/** One case in the page: its head, its cells, and the pictures seen since it was opened. */

import { call, download, explain } from "../server/api.js";
import { keepShown } from "./shown.js";
import { limiter } from "../lib/limiter.js";
import { Signal } from "../lib/signal.js";
import { debounce, throttle } from "../lib/timing.js";

/** @typedef {import("../server/types.js").CellPrediction} CellPrediction */
/** @typedef {import("../server/types.js").Cell} Cell */
/** @typedef {import("../server/types.js").CaseHead} CaseHead */

/** @type {Map<string, CaseFile>} The opened cases, so that going back shows their pictures. */
const opened = new Map();

/**
 * @param {string} id
 * @returns {Promise<CaseFile>} The case in its present state.
 */
export async function openCase(id) {
  const known = opened.get(id);
  if (known) {
    await known.reload();
    return known;
  }
  const file = new CaseFile(await call("GET", casePath(id)));
  opened.set(id, file);
  return file;
}

/** @param {string} id @returns {CaseFile|null} A case that was opened before. */
export function knownCase(id) {
  return opened.get(id) ?? null;
}

/** @param {import("../server/types.js").CaseIn} wanted @returns {Promise<CaseFile>} */
export async function createCase(wanted) {
  const head = await call("POST", "/v1/cases", { body: wanted });
  const file = new CaseFile({ ...head, cells: [] });
  opened.set(file.id, file);
  return file;
}

/** @param {string} id @param {string} [rest] @returns {string} */
export function casePath(id, rest = "") {
  return `/v1/cases/${encodeURIComponent(id)}${rest}`;
}

export class CaseFile {
  /** Cells were changed, added or removed. @type {Signal<CaseFile>} */
  changed = new Signal();
  /** @type {Signal<CaseHead>} */
  headChanged = new Signal();
  /** The case is deleted; send no more requests for it. */
  gone = false;

  /** Number of saved changes of the head, to recognize a head that was requested before one. */
  #changes = 0;
  /** An explanation costs a prediction; a grid full of them must not block other requests. */
  #limited = limiter(2);
  /** @type {Map<number, File>} Files added since the page was opened; they are not in memory. */
  #sources = new Map();
  #emitCells = throttle(() => this.changed.emit(this));
  /** @type {(() => void) & {flush(): void, cancel(): void}} */
  #refreshHead = debounce(() => void this.#loadHead(), 250);

  /** @param {CaseHead & {cells: Cell[]}} body */
  constructor({ cells, ...head }) {
    /** @type {CaseHead} */
    this.head = head;
    /** @type {Map<number, Cell>} */
    this.cells = new Map(cells.map((cell) => [cell.id, cell]));
  }

  get id() {
    return this.head.id;
  }

  /** Largest magnitude in any heatmap so far: the common scale of all heatmaps. */
  heatScale = 1;

  async reload() {
    const before = new Map(this.cells);
    const changes = this.#changes;
    const { cells, ...head } = await call("GET", casePath(this.id));
    // Cells that changed here during the request are newer than its response.
    const now = this.cells;
    const gone = [...before.keys()].filter((id) => !now.has(id));
    const changed = [...now].filter(([id, cell]) => before.get(id) !== cell);
    this.cells = new Map();
    for (const cell of /** @type {Cell[]} */ (cells)) {
      const known = now.get(cell.id);
      this.cells.set(cell.id, known ? keepShown(cell, known) : cell);
    }
    for (const id of gone) this.cells.delete(id);
    for (const [id, cell] of changed) this.cells.set(id, cell);
    this.#acceptHead(head, changes);
    this.#emitCells();
  }

  /**
   * Add a prediction.
   *
   * @param {CellPrediction} answer
   * @param {File|null} source The image file, unless it is in an archive.
   * @returns {boolean} Whether the cell was new to the case.
   */
  add(answer, source) {
    if (answer.cell_id === null || answer.cell_id === undefined) return false;
    if (source && answer.verdict !== "error") this.#sources.set(answer.cell_id, source);
    const known = this.cells.get(answer.cell_id);
    const fresh = {
      ...answer,
      id: answer.cell_id,
      answered: new Date().toISOString(),
      has_image: this.head.keep_images && answer.verdict !== "error",
      review: null,
    };
    this.cells.set(answer.cell_id, known ? keepShown(known, answer) : fresh);
    this.#updateHeatScale(answer);
    this.#emitCells();
    this.#refreshHead();
    return !known;
  }

  /**
   * @param {number} id
   * @param {() => boolean} wanted Checked just before the request: a heatmap can take a second.
   * @returns {Promise<Cell>} The cell with all optional parts.
   */
  async explain(id, wanted) {
    if (!this.#needsMore(id)) return this.#cell(id);
    const answer = await this.#limited(async () =>
      this.#needsMore(id) && wanted() ? this.#fetchExplanation(id) : null,
    );
    if (!answer) return this.#cell(id);
    const whole = keepShown(this.#cell(id), answer);
    this.cells.set(id, whole);
    this.#updateHeatScale(answer);
    return whole;
  }

  /** @param {number} id @returns {boolean} Whether the image is available, here or at the server. */
  canExplain(id) {
    const cell = this.cells.get(id);
    return Boolean(cell?.has_image) || (this.#sources.has(id) && cell?.p_all !== null);
  }

  /** @param {number} id @returns {Promise<File|null>} The image file, if it is here or at the server. */
  async source(id) {
    const { name, has_image } = this.#cell(id);
    const here = this.#sources.get(id);
    if (here || !has_image) return here ?? null;
    const blob = await download(casePath(this.id, `/cells/${id}/image`));
    return new File([blob], name, { type: blob.type });
  }

  /** @param {{name?: string, notes?: string, threshold?: number|null}} change @param {boolean} [leaving] */
  async change(change, leaving = false) {
    const head = await call("PATCH", casePath(this.id), { body: change, keepalive: leaving });
    this.#changes += 1;
    if ("threshold" in change) await this.reload();
    else this.#setHead(head);
  }

  /** @param {number} id @param {{label: string, reviewer: string, note: string}} review */
  async review(id, review) {
    this.#replaceCell(
      await call("PUT", casePath(this.id, `/cells/${id}/review`), { body: review }),
    );
  }

  /** @param {number[]} ids @param {{label: string, reviewer: string, note: string}} review */
  async reviewAll(ids, review) {
    await call("PUT", casePath(this.id, "/reviews"), { body: { ...review, cells: ids } });
    await this.reload();
  }

  /** @returns {Promise<Cell>} The cell whose latest review was undone, or one of several. */
  async undo() {
    const times = [...this.cells.values()].map(({ review }) => review?.created ?? "");
    const latest = times.reduce((a, b) => (a > b ? a : b), "");
    const cell = this.#replaceCell(await call("POST", casePath(this.id, "/undo")));
    // Reviews that were given together are undone together.
    if (times.filter((time) => time === latest).length > 1) await this.reload();
    return cell;
  }

  /** @param {number[]} ids @param {string} subject */
  async move(ids, subject) {
    const body = { cells: ids, subject };
    const head = await call("PATCH", casePath(this.id, "/cells"), { body });
    this.#changes += 1;
    for (const id of ids) {
      const cell = this.cells.get(id);
      if (cell) this.cells.set(id, { ...cell, subject });
    }
    this.#setHead(head);
    this.#emitCells();
  }

  /** @param {number[]} ids */
  async remove(ids) {
    try {
      for (const id of ids) {
        await call("DELETE", casePath(this.id, `/cells/${id}`));
        this.cells.delete(id);
      }
    } finally {
      this.#emitCells();
      this.#refreshHead();
    }
  }

  async delete() {
    await call("DELETE", casePath(this.id));
    this.gone = true;
    this.#refreshHead.cancel();
    opened.delete(this.id);
  }

  /** @param {number} id */
  #needsMore(id) {
    const { heatmap, features, neighbors } = this.#cell(id);
    return !(heatmap && features && neighbors) && this.canExplain(id);
  }

  /** @param {number} id @returns {Promise<CellPrediction>} */
  #fetchExplanation(id) {
    const { has_image, name } = this.#cell(id);
    const source = this.#sources.get(id);
    return has_image || !source
      ? call("GET", casePath(this.id, `/cells/${id}/explain`))
      : explain(source, name, this.head.model_sha256);
  }

  /** @param {Cell} cell @returns {Cell} */
  #replaceCell(cell) {
    const known = this.cells.get(cell.id);
    const whole = known ? keepShown(cell, known) : cell;
    this.cells.set(cell.id, whole);
    this.#emitCells();
    this.#refreshHead();
    return whole;
  }

  async #loadHead() {
    if (this.gone) return;
    const changes = this.#changes;
    try {
      const { cells: _, ...head } = await call("GET", casePath(this.id, "?cells=false"));
      this.#acceptHead(head, changes);
    } catch {
      // the banner shows that the server is down, and the next change tries again
    }
  }

  /**
   * Accept a requested head, unless it was changed since; then request it again.
   *
   * @param {CaseHead} head @param {number} changes Number of changes at the time of the request.
   */
  #acceptHead(head, changes) {
    if (changes === this.#changes) this.#setHead(head);
    else this.#refreshHead();
  }

  /** @param {CaseHead} head */
  #setHead(head) {
    this.head = head;
    this.headChanged.emit(head);
  }

  /** @param {CellPrediction} answer */
  #updateHeatScale({ heatmap }) {
    for (const row of heatmap ?? [])
      for (const value of row) this.heatScale = Math.max(this.heatScale, Math.abs(value));
  }

  /** @param {number} id @returns {Cell} */
  #cell(id) {
    const cell = this.cells.get(id);
    if (!cell) throw new Error(`no cell ${id}`);
    return cell;
  }
}
