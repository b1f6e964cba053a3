/** The served model, fetched once, when a view first needs it. */

import { call } from "./api.js";

/** @typedef {import("./types.js").ModelEntry} ModelEntry */

/** @type {Promise<ModelEntry>|null} */
let pending = null;

/** @returns {Promise<ModelEntry>} */
export function servedModel() {
  pending ??= fetchModel();
  // After a failure the next view tries again.
  pending.catch(() => {
    pending = null;
  });
  return pending;
}

/** Forget the model: a restarted server may have another. */
export function forgetModel() {
  pending = null;
}

/** @returns {Promise<ModelEntry>} */
async function fetchModel() {
  /** @type {ModelEntry[]} */
  const models = await call("GET", "/v1/models");
  return models.find((model) => model.default) ?? models[0];
}
