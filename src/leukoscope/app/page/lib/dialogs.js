/**
 * Dialogs, with the <dialog> element, which traps the focus and closes on Escape. Back closes them too.
 */

import { h } from "./dom.js";
import { addEntry, forgetEntries } from "./entries.js";

/**
 * A dialog with a heading and a close button, removed from the page when it closes. Show it with
 * `open`; its content scrolls below the heading, and messages have a row below the content.
 *
 * @param {{title: string, class?: string, onclose?: () => void}} options
 * @param {...import("./dom.js").Child} children
 * @returns {HTMLDialogElement} Not yet shown.
 */
export function dialog({ title, class: name = "", onclose }, ...children) {
  const heading = h("h2", { id: `dialog-${Math.random().toString(36).slice(2)}` }, title);
  const box = h(
    "dialog",
    { class: name, "aria-labelledby": heading.id },
    h(
      "div",
      { class: "dialog-head" },
      heading,
      h(
        "button",
        { type: "button", class: "plain close", "aria-label": "Close", onclick: () => box.close() },
        "×",
      ),
    ),
    h("div", { class: "dialog-content" }, children),
  );
  box.addEventListener("close", () => {
    // Messages may have moved into the dialog; keep them.
    const toasts = box.querySelector(".toasts");
    if (toasts) document.querySelector(".dock")?.append(toasts);
    box.remove();
    onclose?.();
  });
  box.addEventListener("pointerdown", (event) => {
    if (event.target === box) box.close(); // the backdrop: only there the dialog itself is the target
  });
  document.body.append(box);
  return box;
}

/**
 * Show a dialog, from its top, with an entry in the history.
 *
 * @param {HTMLDialogElement} box
 * @param {HTMLElement|null} [focused] Gets the focus, without scrolling to it.
 */
export function open(box, focused) {
  box.showModal();
  box.addEventListener(
    "close",
    addEntry(() => box.close()),
  );
  focused?.focus({ preventScroll: true });
  const content = box.querySelector(".dialog-content");
  if (content) content.scrollTop = 0;
}

/** Close all dialogs, because the view below them has changed. */
export function closeDialogs() {
  forgetEntries();
  for (const box of [...document.querySelectorAll("dialog[open]")].reverse())
    /** @type {HTMLDialogElement} */ (box).close();
}

/**
 * Ask for confirmation before an action that cannot be undone.
 *
 * @param {{title: string, text: string, word: string}} question `word` is the label of the button.
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, word }) {
  return new Promise((resolve) => {
    let answer = false;
    const cancel = h("button", { type: "button", onclick: () => box.close() }, "Cancel");
    const go = h(
      "button",
      {
        type: "button",
        class: "danger",
        onclick: () => {
          answer = true;
          box.close();
        },
      },
      word,
    );
    const box = dialog(
      { title, class: "small", onclose: () => resolve(answer) },
      h("p", {}, text),
      h("div", { class: "buttons" }, cancel, go),
    );
    open(box, cancel);
  });
}
