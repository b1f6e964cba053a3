/** The served models, fetched once, when a view first needs them. */

import { call } from "./api.js";

/** @typedef {import("./types.js").ModelEntry} ModelEntry */

/** @type {Promise<ModelEntry[]>|null} */
let pending = null;

/** @returns {Promise<ModelEntry[]>} All of them, that of the server's start first. */
export function servedModels() {
  pending ??= /** @type {Promise<ModelEntry[]>} */ (call("GET", "/v1/models"));
  // After a failure the next view tries again.
  pending.catch(() => {
    pending = null;
  });
  return pending;
}

/** Forget the models: a restarted server may have others. */
export function forgetModels() {
  pending = null;
}

/** @param {ModelEntry} model @returns {string} Its name, and the part of its hash that tells it apart. */
export function modelLabel({ name, sha256 }) {
  return `${name} (${sha256.slice(0, 8)})`;
}
