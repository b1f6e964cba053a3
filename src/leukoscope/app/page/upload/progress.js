/** The progress bar at the bottom of the page while images are being predicted. */

import { render, h, setText } from "../lib/dom.js";
import { count, integer } from "../lib/format.js";
import { dialog, open } from "../lib/dialogs.js";
import { toast } from "../lib/toast.js";
import { throttle } from "../lib/timing.js";

/** @typedef {import("./queue.js").UploadQueue} UploadQueue */
/** @typedef {import("./queue.js").Progress} Progress */

/** @param {UploadQueue} queue @returns {HTMLElement} */
export function progressStrip(queue) {
  const text = h("p", {});
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const bar = h("progress", { max: 1, "aria-label": "Progress of the images" });
  const retry = h(
    "button",
    { type: "button", hidden: true, onclick: () => queue.retryNow() },
    "Retry now",
  );
  const cancel = h("button", { type: "button", onclick: () => queue.cancel() }, "Cancel");
  const strip = h(
    "section",
    { class: "progress", hidden: true, "aria-label": "Upload" },
    h("div", {}, text, bar),
    retry,
    cancel,
  );
  let announced = "";
  const draw = throttle(() => {
    const { progress } = queue;
    strip.hidden = progress.state === "idle";
    if (strip.hidden) return;
    bar.max = progress.files;
    bar.value = progress.settled;
    retry.hidden = progress.state === "working";
    const words = describe(progress);
    setText(text, words);
    // Read out at every tenth of the files and at problems, not for every image.
    const step = `${progress.state} ${Math.floor((10 * progress.settled) / progress.files)}`;
    if (step !== announced) setText(spoken, words);
    announced = step;
  });
  queue.changed.on(draw);
  queue.finished.on((outcome) => announce(outcome, spoken));
  return h("div", { class: "progress-region" }, strip, spoken);
}

/** @param {Progress} progress */
function describe({ state, files, settled, answers }) {
  const left = files - settled;
  if (state === "waiting")
    return `The server is busy. The page tries again soon. ${count(left, "file")} left.`;
  if (state === "offline")
    return `No connection to the server. ${count(left, "file")} waiting to be sent.`;
  const cells = answers > settled ? `, ${count(answers, "cell")}` : "";
  return `${integer(settled)} of ${count(files, "file")}${cells}`;
}

/**
 * @param {Progress & {cancelled: boolean, cases: import("../case/casefile.js").CaseFile[]}} outcome
 * @param {HTMLElement} spoken
 */
function announce({ answers, failed, known, refused, cancelled, files, settled, cases }, spoken) {
  render(spoken);
  // Reload from the server, in case a prediction was missed on the way.
  for (const file of cases) if (!file.gone) file.reload().catch(() => undefined);
  const parts = [
    cancelled && `Stopped after ${integer(settled)} of ${count(files, "file")}.`,
    answers > 0 && `${count(answers, "image")} analyzed.`,
    failed > 0 && `${integer(failed)} could not be read; the reason is shown for each file.`,
    known > 0 && `${integer(known)} ${known === 1 ? "was" : "were"} already in the case.`,
  ].filter(Boolean);
  if (parts.length) toast(parts.join(" "), { name: "uploaded" });
  if (refused.length)
    toast(`${count(refused.length, "file")} could not be sent: ${refused[0].why}`, {
      kind: "problem",
      action: { word: "Show files", run: () => showRefused(refused) },
    });
}

/** @param {{name: string, why: string}[]} refused */
function showRefused(refused) {
  const rows = refused.map(({ name, why }) => h("li", {}, h("strong", {}, name), ` ${why}`));
  open(
    dialog(
      { title: `${count(refused.length, "file")} not sent`, class: "small" },
      h("ul", { class: "plain-list" }, rows),
    ),
  );
}
