/** Work done a few pieces at a time, in the order it was asked for. */

/**
 * @param {number} count How many pieces may be under way at once.
 * @returns {<T>(work: () => Promise<T>) => Promise<T>}
 */
export function lanes(count) {
  let running = 0;
  /** @type {(() => void)[]} */
  const waiting = [];
  return async (work) => {
    if (running >= count) await new Promise((go) => waiting.push(() => go(undefined)));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
