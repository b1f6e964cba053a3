/** The model the server answers with; requested once, when a view first needs it. */

import { call } from "./api.js";

/** @typedef {import("./types.js").ModelEntry} ModelEntry */

/** @type {Promise<ModelEntry>|null} */
let pending = null;

/** @returns {Promise<ModelEntry>} */
export function servedModel() {
  pending ??= fetchModel();
  // A failure is not kept: the next view asks again.
  pending.catch(() => {
    pending = null;
  });
  return pending;
}

/** After the server came back it may have another model. */
export function forgetModel() {
  pending = null;
}

/** @returns {Promise<ModelEntry>} */
async function fetchModel() {
  /** @type {ModelEntry[]} */
  const models = await call("GET", "/v1/models");
  return models.find((model) => model.default) ?? models[0];
}
