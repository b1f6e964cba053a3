/** The page's only plumbing: something that changes, and those who want to know. */

/** @template T */
export class Topic {
  /** @type {Set<(value: T) => void>} */
  #listeners = new Set();

  /**
   * @param {(value: T) => void} listener
   * @returns {() => void} Stops listening.
   */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {T} value */
  emit(value) {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/**
 * Run `work` soon, once, however often it is asked for: at the next frame, but never for more than
 * about a third of the time, so that a page that takes in thousands of answers stays quick.
 *
 * @param {() => void} work
 * @returns {() => void}
 */
export function paced(work) {
  let asked = false;
  let rested = 0;
  const run = () => {
    asked = false;
    const start = performance.now();
    work();
    const end = performance.now();
    rested = end + 2 * (end - start);
  };
  return () => {
    if (asked) return;
    asked = true;
    const wait = rested - performance.now();
    // A hidden tab gets no frames, and its counts should be right when it is looked at again.
    if (document.hidden || wait > 16) setTimeout(run, Math.max(wait, 16));
    else requestAnimationFrame(run);
  };
}

/**
 * Run `work` once things have been quiet for `wait` milliseconds; `flush` runs it at once.
 *
 * @param {() => void} work
 * @param {number} wait
 * @returns {{(): void, flush(): void, cancel(): void}}
 */
export function afterQuiet(work, wait) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(ask.flush, wait);
  };
  ask.flush = () => {
    ask.cancel();
    work();
  };
  ask.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return ask;
}
