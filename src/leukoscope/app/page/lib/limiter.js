/** Limit how many asynchronous tasks run at the same time. */

/**
 * @param {number} count Maximum number of running tasks; others wait in order.
 * @returns {<T>(work: () => Promise<T>) => Promise<T>}
 */
export function limiter(count) {
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
