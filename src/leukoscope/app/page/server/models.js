/** The model the server answers with; asked for once, when a view first needs it. */

import { call } from "./api.js";

/** @typedef {import("./types.js").Model} Model */

/** @type {Promise<Model>|null} */
let asked = null;

/** @returns {Promise<Model>} */
export function servedModel() {
  asked ??= fetchModel();
  // A failure is not kept: the next view asks again.
  asked.catch(() => {
    asked = null;
  });
  return asked;
}

/** After the server came back it may have another model. */
export function forgetModel() {
  asked = null;
}

/** @returns {Promise<Model>} */
async function fetchModel() {
  /** @type {Model[]} */
  const models = await call("GET", "/v1/models");
  return models.find((model) => model.default) ?? models[0];
}
