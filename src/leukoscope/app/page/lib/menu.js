/** A button with a list of actions below it. */

import { h } from "./dom.js";

/**
 * @param {string} word
 * @param {HTMLElement[]} items Links or buttons.
 * @returns {HTMLElement}
 */
export function menu(word, items) {
  const button = h("summary", { class: "button" }, word);
  const list = h(
    "ul",
    {},
    items.map((item) => h("li", {}, item)),
  );
  const box = h("details", { class: "menu" }, button, list);
  const outside = (/** @type {PointerEvent} */ event) => {
    if (!box.contains(/** @type {Node} */ (event.target))) box.open = false;
  };
  box.addEventListener("toggle", () => {
    if (box.open) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    button.focus();
  });
  box.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !box.contains(relatedTarget)) box.open = false;
  });
  list.addEventListener("click", () => (box.open = false));
  return box;
}
