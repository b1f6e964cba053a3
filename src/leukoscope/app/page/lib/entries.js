/**
 * History entries of dialogs, so that Back closes the uppermost dialog and not the view below it.
 *
 * Going back is asynchronous in a browser, so all changes of the history wait for one another.
 */

/** @typedef {{onBack: () => void}} Entry */

/** The open entries, the uppermost last. @type {Entry[]} */
const stack = [];
/** Takes the next popstate event, while a step back that this module asked for is under way. @type {(() => void)|null} */
let arrived = null;
let queue = Promise.resolve();

/** Milliseconds after which a step is given up: long, as a late one looks like Back. */
const LONGEST_STEP = 30_000;
/** Milliseconds in which a step may still come after an address was opened in its place. */
const LONGEST_OVERTAKEN = 1000;

window.addEventListener("popstate", () => {
  if (arrived) arrived();
  else stack.pop()?.onBack();
});

/**
 * Add an entry to the history.
 *
 * @param {() => void} onBack Called when the user goes back; the entry is gone then.
 * @returns {() => void} Removes the entry; does nothing if it is gone.
 */
export function addEntry(onBack) {
  const entry = { onBack };
  stack.push(entry);
  const depth = stack.length;
  void afterEntries(() => history.pushState({ dialogs: depth }, ""));
  return () => {
    const at = stack.indexOf(entry);
    if (at < 0) return;
    stack.splice(at, 1);
    void afterEntries(() => stepBack(1));
  };
}

/** Forget all entries when the view has changed: they are behind, and nothing is to be closed. */
export function forgetEntries() {
  stack.length = 0;
}

/** After a reload with an open dialog: its entries are still there, but not the dialog. */
export function dropStaleEntries() {
  const depth = history.state?.dialogs ?? 0;
  if (depth > 0) void afterEntries(() => stepBack(depth));
}

/**
 * Run `work` after all changes of the history asked for so far.
 *
 * @param {() => void|Promise<void>} work
 * @returns {Promise<void>}
 */
export function afterEntries(work) {
  queue = queue.then(work);
  return queue;
}

/**
 * Go back, and forward again where the user has opened another address before the browser got there.
 *
 * @param {number} steps
 * @returns {Promise<void>} Resolves when the browser is there.
 */
function stepBack(steps) {
  const view = location.hash;
  return new Promise((resolve) => {
    let overtaken = false;
    const end = () => {
      clearTimeout(timer);
      arrived = null;
      resolve();
    };
    let timer = setTimeout(end, LONGEST_STEP);
    arrived = () => {
      if (location.hash !== view) {
        overtaken = true;
        clearTimeout(timer);
        timer = setTimeout(end, LONGEST_OVERTAKEN);
        return;
      }
      end();
      if (overtaken) history.go(steps);
    };
    history.go(-steps);
  });
}
