/** Names and meanings of verdicts, metrics and image formats: the tables of the server. */

import { call } from "./api.js";

/** @typedef {import("./types.js").Vocabulary} Vocabulary */

/** @type {Vocabulary|null} */
let loaded = null;

/** Fetch the tables once. Everything that shows a verdict needs them, so views wait for this. */
export async function loadVocabulary() {
  loaded ??= /** @type {Vocabulary} */ (await call("GET", "/v1/vocabulary"));
}

/** @returns {Vocabulary} */
export function vocabulary() {
  if (!loaded) throw new Error("the vocabulary is not loaded yet");
  return loaded;
}
