/** All requests to the server: JSON calls and streamed predictions. */

import { Signal } from "../lib/signal.js";

/** @typedef {import("../upload/batches.js").Upload} Upload */
/** @typedef {"up"|"down"|"login"} Connection */

/** A refused or failed request, with a message for the user. `status` is 0 without a response. */
export class ApiError extends Error {
  /** @param {string} message @param {number} status @param {number|null} [retryAfter] Seconds. */
  constructor(message, status, retryAfter = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get transient() {
    return this.status === 0 || this.status === 429 || this.status === 503;
  }
}

/** @type {Signal<Connection>} */
export const connection = new Signal();

const SILENT = "The Leukoscope server does not respond. It may have been stopped.";
const CUT = "The connection was lost before all predictions arrived.";
const STARTING_TRIES = 40;

/**
 * Send a request with a JSON response. GET requests are repeated while the server starts or is busy.
 *
 * @param {string} method
 * @param {string} path
 * @param {{body?: any, signal?: AbortSignal, keepalive?: boolean}} [options]
 * @returns {Promise<any>} null for an empty response.
 */
export async function call(method, path, { body, signal, keepalive } = {}) {
  const headers = /** @type {Record<string, string>} */ ({ Accept: "application/json" });
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, signal, keepalive, body: body && JSON.stringify(body) };
  for (let tries = 1; ; tries += 1) {
    try {
      const response = await send(path, init);
      return response.status === 204 ? null : await readJson(response);
    } catch (error) {
      const soon = error instanceof ApiError && [429, 503].includes(error.status);
      if (!soon || method !== "GET" || tries >= STARTING_TRIES) throw error;
      await sleep(Math.min(error.retryAfter ?? 0.3, 1), signal);
    }
  }
}

/**
 * Send images, and pass on each prediction as it arrives.
 *
 * @param {string} caseId
 * @param {Upload[]} uploads
 * @param {(answer: import("./types.js").CellPrediction) => void} onAnswer
 * @param {AbortSignal} signal
 */
export async function predict(caseId, uploads, onAnswer, signal) {
  const form = new FormData();
  for (const { file, name } of uploads) form.append("files", file, name);
  const query = new URLSearchParams({ case: caseId });
  for (const part of ["picture", "heatmap", "features", "neighbors"]) query.append("include", part);
  const response = await send(`/v1/predict?${query}`, {
    method: "POST",
    body: form,
    headers: { Accept: "application/x-ndjson" },
    signal,
  });
  let done = false;
  for await (const line of lines(response, signal)) {
    if (line.error) throw new ApiError(line.error, 0);
    if (line.done) done = true;
    else onAnswer(line);
  }
  if (!done) throw new ApiError(CUT, 0);
}

/**
 * Predict and explain one image, without storing it in a case.
 *
 * @param {File} file
 * @param {string} name
 * @param {string} model The sha256 of the model.
 * @returns {Promise<import("./types.js").CellPrediction>}
 */
export async function explain(file, name, model) {
  const form = new FormData();
  form.append("files", file, name);
  const headers = { Accept: "application/json" };
  return readJson(
    await send(`/v1/explain?${new URLSearchParams({ model })}`, {
      method: "POST",
      body: form,
      headers,
    }),
  );
}

/** @param {string} path @returns {Promise<Blob>} */
export async function download(path) {
  return (await send(path, { method: "GET" })).blob();
}

/**
 * Find the white cells of a picture of a smear.
 *
 * @param {File} file
 * @param {string} name
 * @param {number|null} scale µm per pixel; null for what the server can find out.
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").FieldCells>}
 */
export async function findCells(file, name, scale, signal) {
  return readJson(await sendPicture("/v1/fields", file, name, scale, [], signal));
}

/**
 * Cut cells out of the same picture.
 *
 * @param {File} file
 * @param {string} name
 * @param {number|null} scale
 * @param {number[]} numbers
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>} A ZIP of images.
 */
export async function cutCells(file, name, scale, numbers, signal) {
  return (await sendPicture("/v1/fields/cells", file, name, scale, numbers, signal)).blob();
}

/**
 * @param {string} path
 * @param {File} file
 * @param {string} name
 * @param {number|null} scale
 * @param {number[]} numbers
 * @param {AbortSignal} signal
 */
function sendPicture(path, file, name, scale, numbers, signal) {
  const form = new FormData();
  form.append("files", file, name);
  const query = new URLSearchParams(numbers.map((number) => ["number", String(number)]));
  if (scale !== null) query.set("um_per_px", String(scale));
  return send(`${path}?${query}`, { method: "POST", body: form, signal });
}

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** @param {string} path @param {RequestInit} init @returns {Promise<Response>} */
async function send(path, init) {
  let response;
  try {
    response = await fetch(path, { ...init, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    connection.emit("down");
    throw new ApiError(SILENT, 0);
  }
  connection.emit(response.status === 401 ? "login" : "up");
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @param {Response} response @returns {Promise<ApiError>} */
async function refusal(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  let message = `The server refused the request (${response.status}).`;
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) message = error;
  } catch {
    // the page of a proxy, or nothing: only the status is known
  }
  return new ApiError(message, response.status, Number.isFinite(seconds) ? seconds : null);
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiError(CUT, 0);
  }
}

/**
 * Yield the objects of an NDJSON body as they arrive.
 *
 * @param {Response} response
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<any>}
 */
async function* lines(response, signal) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  /** @type {string[]} Parts of an incomplete line, joined once, because lines are long. */
  let open = [];
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ApiError(CUT, 0);
    }
    if (chunk.done) break;
    const pieces = decoder.decode(chunk.value, { stream: true }).split("\n");
    for (const piece of pieces.slice(0, -1)) {
      const line = [...open, piece].join("");
      open = [];
      if (line.trim()) yield parse(line);
    }
    open.push(pieces[pieces.length - 1]);
  }
  const rest = open.join("") + decoder.decode();
  if (rest.trim()) yield parse(rest);
}

/** @param {string} line */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new ApiError(CUT, 0);
  }
}
