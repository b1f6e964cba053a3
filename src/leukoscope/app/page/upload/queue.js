/**
 * The queue of files on their way to the server: at most two requests at a time, each of moderate
 * size; what the server is too busy for, or a broken connection cut off, is sent again.
 */

import { ApiError, predict, sleep } from "../server/api.js";
import { batches, isArchive, waitSeconds } from "./batches.js";
import { Signal } from "../lib/signal.js";

/** @typedef {import("../server/types.js").CellPrediction} CellPrediction */
/** @typedef {import("./batches.js").Upload} Upload */
/** @typedef {import("../case/casefile.js").CaseFile} CaseFile */

/**
 * @typedef {object} Progress
 * @property {"idle"|"working"|"waiting"|"offline"} state
 * @property {number} files Files to answer in all.
 * @property {number} settled Files answered or given up.
 * @property {number} answers Cells answered: an archive holds many.
 * @property {number} failed Answers with the verdict error.
 * @property {number} again Cells the case had already.
 * @property {{name: string, why: string}[]} refused Files no answer came for.
 */

/**
 * One request's worth of files; `counted` holds the answers that came before a connection broke.
 *
 * @typedef {{caseFile: CaseFile, uploads: Upload[], tries: number, counted: Set<string>}} Job
 */

const IN_FLIGHT = 2;

/** Refusals that concern the case and not the files sent. */
const OF_THE_CASE = [401, 403, 404, 409];

export class UploadQueue {
  /** @type {Signal<Progress>} */
  changed = new Signal();
  /** The final figures, once everything is answered, given up or cancelled. */
  /** @type {Signal<Progress & {cancelled: boolean, cases: CaseFile[]}>} */
  finished = new Signal();

  /** @type {Job[]} */
  #waiting = [];
  #running = 0;
  #abort = new AbortController();
  #wake = new AbortController();
  /** @type {Set<CaseFile>} */
  #cases = new Set();
  #progress = noProgress();

  /** @returns {Readonly<Progress>} */
  get progress() {
    return this.#progress;
  }

  /** @param {CaseFile} caseFile @param {Upload[]} uploads */
  add(caseFile, uploads) {
    if (!uploads.length) return;
    this.#cases.add(caseFile);
    for (const part of batches(uploads)) this.#waiting.push(job(caseFile, part));
    this.#update({ state: "working", files: this.#progress.files + uploads.length });
    while (this.#running < IN_FLIGHT && this.#waiting.length) this.#start();
  }

  cancel() {
    this.#waiting = [];
    this.#abort.abort();
    this.#wake.abort();
  }

  /** Do not wait any longer before the next try. */
  retryNow() {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  #start() {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#running += 1;
    void this.#run(next).then(() => {
      this.#running -= 1;
      if (this.#waiting.length) this.#start();
      else if (!this.#running) this.#finish();
    });
  }

  /** @param {Job} job */
  async #run(job) {
    const { signal } = this.#abort;
    while (job.uploads.length && !signal.aborted) {
      try {
        await this.#send(job, signal);
      } catch (error) {
        if (!signal.aborted) await this.#failed(job, error);
      }
    }
  }

  /** @param {Job} job @param {AbortSignal} signal */
  async #send(job, signal) {
    const { caseFile } = job;
    const archive = isArchive(job.uploads[0].name);
    await predict(
      caseFile.id,
      [...job.uploads],
      (answer) => {
        this.#record(job, answer, archive ? null : job.uploads[0].file);
        // Answers come in the order of the files: what is left is what to send again.
        if (!archive && job.uploads.shift()) this.#settle(1);
      },
      signal,
    );
    this.#settle(job.uploads.length);
    job.uploads = [];
  }

  /** @param {Job} job @param {unknown} error */
  async #failed(job, error) {
    const known = error instanceof ApiError ? error : new ApiError(String(error), 400);
    const files = job.uploads;
    if (known.passing) {
      job.tries += 1;
      await this.#pause(waitSeconds(job.tries, known.retryAfter), known.status === 0);
      return;
    }
    job.uploads = [];
    if (files.length > 1 && !OF_THE_CASE.includes(known.status)) {
      // One file may be to blame: send each alone, so that the others get through.
      this.#waiting.unshift(...files.map((file) => ({ ...job, uploads: [file] })));
      return;
    }
    const refused = files.map(({ name }) => ({ name, why: known.message }));
    this.#update({ refused: [...this.#progress.refused, ...refused] });
    this.#settle(files.length);
  }

  /** @param {number} seconds @param {boolean} offline */
  async #pause(seconds, offline) {
    this.#update({ state: offline ? "offline" : "waiting" });
    // Rejected when woken: by a person, by a server that is back, or by a cancel.
    await sleep(seconds, this.#wake.signal).catch(() => undefined);
    if (!this.#abort.signal.aborted && !offline) this.#update({ state: "working" });
  }

  /** @param {Job} job @param {CellPrediction} answer @param {File|null} source */
  #record(job, answer, source) {
    job.tries = 0;
    const isNew = job.caseFile.add(answer, source);
    const key = `${answer.name}\n${answer.sha256}`;
    if (job.counted.has(key)) return;
    job.counted.add(key);
    const { answers, failed, again } = this.#progress;
    this.#update({
      state: "working",
      answers: answers + 1,
      failed: failed + Number(answer.verdict === "error"),
      again: again + Number(!isNew),
    });
  }

  /** @param {number} files */
  #settle(files) {
    this.#update({ settled: this.#progress.settled + files });
  }

  #finish() {
    const last = { ...this.#progress, state: /** @type {const} */ ("idle") };
    const outcome = { ...last, cancelled: this.#abort.signal.aborted, cases: [...this.#cases] };
    this.#abort = new AbortController();
    this.#wake = new AbortController();
    this.#cases.clear();
    this.#update(noProgress());
    this.finished.emit(outcome);
  }

  /** @param {Partial<Progress>} change */
  #update(change) {
    this.#progress = { ...this.#progress, ...change };
    this.changed.emit(this.#progress);
  }
}

/** @param {CaseFile} caseFile @param {Upload[]} uploads @returns {Job} */
function job(caseFile, uploads) {
  return { caseFile, uploads: [...uploads], tries: 0, counted: new Set() };
}

/** @returns {Progress} */
function noProgress() {
  return { state: "idle", files: 0, settled: 0, answers: 0, failed: 0, again: 0, refused: [] };
}
