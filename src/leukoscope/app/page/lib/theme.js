/** The theme switch: system setting, light, or dark. */

import { h } from "./dom.js";
import { recall, remember } from "./prefs.js";

const THEMES = [
  ["auto", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** @returns {HTMLElement} */
export function themeSwitch() {
  const chosen = recall("theme", "auto");
  const select = h(
    "select",
    {
      "aria-label": "Colors",
      onchange: () => {
        document.documentElement.dataset.theme = select.value;
        remember("theme", select.value);
      },
    },
    THEMES.map(([value, word]) => h("option", { value, selected: value === chosen }, word)),
  );
  return select;
}
