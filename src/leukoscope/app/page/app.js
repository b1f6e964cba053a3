/** Entry point of the page: header, views, and the parts that all views share. */

import { knownCase } from "./case/casefile.js";
import { closeDialogs } from "./lib/dialogs.js";
import { render, h, tellHeight } from "./lib/dom.js";
import { dropStaleEntries } from "./lib/entries.js";
import { homeView } from "./home/home.js";
import { acceptDrops, queue } from "./upload/dropzone.js";
import { connectionBanner } from "./upload/banner.js";
import { ApiError } from "./server/api.js";
import { forgetModels } from "./server/models.js";
import { loadVocabulary } from "./server/vocabulary.js";
import { progressStrip } from "./upload/progress.js";
import { followLinks, parse } from "./lib/router.js";
import { themeSwitch } from "./lib/theme.js";
import { toastRegion } from "./lib/toast.js";

/** @typedef {import("./case/caseview.js").View} View */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** Header and view scroll here; messages and progress have rows of their own below, and cover nothing. */
const scroller = /** @type {HTMLElement} */ (document.getElementById("page"));

/** @type {View|null} */
let open = null;
/** Number of the current route, so that a slow view never replaces a later one. */
let turn = 0;

async function show(first = false) {
  const mine = (turn += 1);
  const route = parse(location.hash);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === (route.view === "model" ? "#/model" : "#/");
    link.toggleAttribute("data-here", here);
    if (here && route.view !== "case") link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  closeDialogs(); // a dialog must not act on a view that was left
  open?.close?.();
  open = null;
  main.setAttribute("aria-busy", "true");
  const view = await build(route);
  if (mine !== turn) {
    view.close?.();
    return;
  }
  open = view;
  render(main, view.element);
  main.removeAttribute("aria-busy");
  if (first) return;
  scroller.scrollTo(0, 0);
  /** @type {HTMLElement|null} */ (main.querySelector("h1"))?.focus({ preventScroll: true });
}

/** @param {import("./lib/router.js").Route} route @returns {Promise<View>} */
async function build({ view, id }) {
  try {
    await loadVocabulary();
    // The code of the other views is loaded when it is needed.
    if (view === "case") return await (await import("./case/caseview.js")).caseView(id);
    if (view === "model") return await (await import("./model/modelview.js")).modelView();
    return await homeView();
  } catch (error) {
    document.title = "Leukoscope";
    const absent = view === "case" && error instanceof ApiError && error.status === 404;
    return { element: absent ? noCase() : failed(error) };
  }
}

/** @param {unknown} error */
function failed(error) {
  return instead(
    "This page cannot be shown",
    error instanceof Error ? error.message : String(error),
    h("button", { type: "button", class: "primary", onclick: () => void show() }, "Try again"),
  );
}

function noCase() {
  return instead("This case does not exist", "It was deleted, or it is a case of another server.");
}

/** @param {string} title @param {string} text @param {...HTMLElement} buttons */
function instead(title, text, ...buttons) {
  return h(
    "div",
    { class: "view failed" },
    h("h1", { tabindex: -1 }, title),
    h("p", {}, text),
    h("div", { class: "buttons" }, buttons, h("a", { class: "button", href: "#/" }, "All cases")),
  );
}

function serverIsBack() {
  queue.retryNow();
  forgetModels();
  if (!open || open.element.matches(".failed, .home")) void show();
  else open.file?.reload().catch(() => undefined);
}

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault(); // the part after # selects the view
  main.focus();
});
document.getElementById("theme")?.append(themeSwitch());
document.body.prepend(connectionBanner(serverIsBack));
document.body.append(h("div", { class: "dock" }, progressStrip(queue), toastRegion));
tellHeight(/** @type {HTMLElement} */ (document.querySelector(".top")), "--header");
// The keys that scroll act on the element with the focus.
scroller.focus({ preventScroll: true });
dropStaleEntries();
followLinks();
// Files can be dropped on a case while its view is still loading.
acceptDrops(() => open?.file ?? knownCase(parse(location.hash).id));
addEventListener("hashchange", () => void show());
// A browser leaves a control of a wide table half hidden when Tab reaches it.
addEventListener("focusin", ({ target }) => {
  if (target instanceof Element && target.matches(".scroll :focus-visible"))
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
addEventListener("pagehide", () => open?.close?.(true));
addEventListener("beforeunload", (event) => {
  if (queue.progress.state !== "idle" || open?.unsaved?.()) event.preventDefault();
});
void show(true);
