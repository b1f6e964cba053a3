/**
 * Short messages in a row below the page or the open dialog, where they cover nothing. They stay while the pointer or the focus is on them.
 *
 * A message with an action, such as Undo, stays until the next message or view: slow readers must be
 * able to use it (WCAG 2.2.1), and it applies to the latest action only.
 */

import { h } from "./dom.js";

const SECONDS = 7;

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** The region of messages, to be added to the page once. */
export { region as toastRegion };

/** @type {Element|undefined} The message with an action. */
let offer;

window.addEventListener("hashchange", () => offer?.remove());

/**
 * Show a message.
 *
 * @param {string} text
 * @param {{kind?: "info"|"problem", name?: string, action?: {word: string, run: () => void}}} [options]
 *   A problem stays until it is dismissed; `name` identifies a message.
 */
export function toast(text, { kind = "info", name, action } = {}) {
  offer?.remove();
  const close = () => box.remove();
  const box = h(
    "div",
    { class: `toast ${kind}`, "data-name": name },
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

/** Behind an open dialog nothing can be read out or clicked, so messages move into it. */
function home() {
  const open = [...document.querySelectorAll("dialog[open]")];
  return open[open.length - 1] ?? document.querySelector(".dock") ?? document.body;
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
