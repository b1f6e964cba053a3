/**
 * The upload queue: requests of moderate size one after the other, so that cells are in the order in
 * which they were dropped. Files that a busy server refused, or whose connection broke, are sent again.
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
 * @property {number} files Number of files.
 * @property {number} settled Files that are predicted or refused.
 * @property {number} answers Predictions; an archive has many.
 * @property {number} failed Predictions with the verdict error.
 * @property {number} known Cells that were already in the case.
 * @property {{name: string, why: string}[]} refused Files that could not be sent.
 */

/**
 * The files of one request; `counted` has the predictions that arrived before a connection broke.
 *
 * @typedef {{caseFile: CaseFile, uploads: Upload[], tries: number, counted: Set<string>}} Job
 */

/** Statuses that concern the case, not the files. */
const CASE_ERRORS = [401, 403, 404, 409];

export class UploadQueue {
  /** @type {Signal<Progress>} */
  changed = new Signal();
  /** The final counts, once every file is predicted, refused or cancelled. */
  /** @type {Signal<Progress & {cancelled: boolean, cases: CaseFile[]}>} */
  finished = new Signal();

  /** @type {Job[]} */
  #waiting = [];
  #running = false;
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
    if (!this.#running) this.#start();
  }

  cancel() {
    if (!this.#running) return; // else the next files would be stopped
    this.#waiting = [];
    this.#abort.abort();
    this.#wake.abort();
  }

  /** Try again at once. */
  retryNow() {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  #start() {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#running = true;
    void this.#run(next).then(() => {
      this.#running = false;
      if (this.#waiting.length) this.#start();
      else this.#finish();
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
        // Predictions arrive in the order of the files, so the remaining files are sent again.
        if (!archive && job.uploads.shift()) this.#settle(1);
      },
      signal,
    );
    this.#settle(job.uploads.length);
    job.uploads = [];
  }

  /** @param {Job} job @param {unknown} error */
  async #failed(job, error) {
    const failure = error instanceof ApiError ? error : new ApiError(String(error), 400);
    const files = job.uploads;
    if (failure.transient) {
      job.tries += 1;
      await this.#pause(waitSeconds(job.tries, failure.retryAfter), failure.status === 0);
      return;
    }
    job.uploads = [];
    if (files.length > 1 && !CASE_ERRORS.includes(failure.status)) {
      // One file may be the cause: send each alone, so that the others get through.
      this.#waiting.unshift(...files.map((file) => ({ ...job, uploads: [file] })));
      return;
    }
    const refused = files.map(({ name }) => ({ name, why: failure.message }));
    this.#update({ refused: [...this.#progress.refused, ...refused] });
    this.#settle(files.length);
  }

  /** @param {number} seconds @param {boolean} offline */
  async #pause(seconds, offline) {
    this.#update({ state: offline ? "offline" : "waiting" });
    // Rejected when woken: by the user, by a server that is back, or by a cancel.
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
    const { answers, failed, known } = this.#progress;
    this.#update({
      state: "working",
      answers: answers + 1,
      failed: failed + Number(answer.verdict === "error"),
      known: known + Number(!isNew),
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
  return { state: "idle", files: 0, settled: 0, answers: 0, failed: 0, known: 0, refused: [] };
}
