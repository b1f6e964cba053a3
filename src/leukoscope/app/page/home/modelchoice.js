/** The choice of a model for new cases, where the server has several. */

import { h, render } from "../lib/dom.js";
import { modelLabel, servedModels } from "../server/models.js";

/**
 * A field that is empty with a single model.
 *
 * @param {(sha256: string) => void} onChoice
 * @returns {HTMLElement}
 */
export function modelChoice(onChoice) {
  const place = h("div", { class: "model-choice" });
  servedModels().then(
    (models) => {
      if (models.length < 2) return;
      const select = h(
        "select",
        { onchange: () => onChoice(select.value) },
        models.map((model) => h("option", { value: model.sha256 }, modelLabel(model))),
      );
      render(place, h("label", { class: "inline" }, "Model of a new case", select));
    },
    () => undefined, // the first model is taken, and the banner shows that the server is down
  );
  return place;
}
