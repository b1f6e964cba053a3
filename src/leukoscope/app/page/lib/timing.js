/** Throttle and debounce. */

/**
 * Throttle `work`: calls are combined into one at the next frame. It takes at most about a third of
 * the time, so that the page stays responsive while thousands of answers come in.
 *
 * @param {() => void} work
 * @returns {() => void}
 */
export function throttle(work) {
  let scheduled = false;
  let notBefore = 0;
  const run = () => {
    scheduled = false;
    const start = performance.now();
    work();
    const end = performance.now();
    notBefore = end + 2 * (end - start);
  };
  return () => {
    if (scheduled) return;
    scheduled = true;
    const wait = notBefore - performance.now();
    // A hidden tab gets no frames, and its counts should be right when it is looked at again.
    if (document.hidden || wait > 16) setTimeout(run, Math.max(wait, 16));
    else requestAnimationFrame(run);
  };
}

/**
 * Debounce `work`: run it `wait` milliseconds after the last call. `flush` runs it at once.
 *
 * @param {() => void} work
 * @param {number} wait
 * @returns {{(): void, flush(): void, cancel(): void}}
 */
export function debounce(work, wait) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(schedule.flush, wait);
  };
  schedule.flush = () => {
    schedule.cancel();
    work();
  };
  schedule.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return schedule;
}
