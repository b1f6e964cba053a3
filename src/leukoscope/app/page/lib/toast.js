/**
 * Short messages at the edge of the page; they wait while someone points at them.
 *
 * One that offers a way back waits longer, until something else is said or another place is
 * opened: whoever reads slowly must be able to use it (WCAG 2.2.1), and it holds for the last thing
 * that was done only.
 */

import { h } from "./dom.js";

const SECONDS = 7;

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Where messages appear: to be put into the page once. */
export { region as toastRegion };

/** @type {Element|undefined} The message that offers something to do. */
let offer;

window.addEventListener("hashchange", () => offer?.remove());

/**
 * Say something.
 *
 * @param {string} text
 * @param {{kind?: "info"|"problem", action?: {word: string, run: () => void}}} [options]
 *   A problem stays until it is dismissed.
 */
export function toast(text, { kind = "info", action } = {}) {
  offer?.remove();
  const close = () => box.remove();
  const box = h(
    "div",
    { class: `toast ${kind}` },
    h("p", {}, text),
    action &&
      h(
        "button",
        {
          type: "button",
          class: "plain",
          onclick: () => {
            close();
            action.run();
          },
        },
        action.word,
      ),
    h(
      "button",
      { type: "button", class: "plain dismiss", "aria-label": "Dismiss", onclick: close },
      "×",
    ),
  );
  home().append(region);
  region.append(box);
  while (region.children.length > 3) region.firstElementChild?.remove();
  if (action && kind === "info") offer = box;
  else if (kind === "info") leaveLater(box, close);
}

/** @param {string} what @param {unknown} error */
export function problem(what, error) {
  const why = error instanceof Error ? error.message : String(error);
  toast(`${what} ${why}`, { kind: "problem" });
}

/** Behind an open dialog nothing is read out or clicked, so messages move into it. */
function home() {
  const open = [...document.querySelectorAll("dialog[open]")];
  return open[open.length - 1] ?? document.body;
}

/** @param {HTMLElement} box @param {() => void} close */
function leaveLater(box, close) {
  let timer = setTimeout(close, SECONDS * 1000);
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(close, (SECONDS * 1000) / 2);
  };
  box.addEventListener("pointerenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("pointerleave", release);
  box.addEventListener("focusout", release);
}
