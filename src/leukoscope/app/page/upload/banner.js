/** Says so when the server does not answer, asks until it does, and then lets the page catch up. */

import { connection } from "../server/api.js";
import { render, h } from "../lib/dom.js";

const SECONDS = 3;

/** @param {() => void} onBack The server answers again. @returns {HTMLElement} */
export function connectionBanner(onBack) {
  const banner = h("div", { class: "banner", role: "alert", hidden: true });
  /** @type {ReturnType<typeof setInterval>|undefined} */
  let asking;
  const ask = async () => {
    try {
      const response = await fetch("/healthz", { cache: "no-store" });
      if (response.ok) connection.emit("up");
    } catch {
      // still gone
    }
  };
  connection.on((state) => {
    if (state === "up") {
      if (banner.hidden) return;
      const wasDown = asking !== undefined;
      clearInterval(asking);
      asking = undefined;
      banner.hidden = true;
      if (wasDown) onBack();
    } else if (state === "login") {
      render(
        banner,
        h("p", {}, "The server asks who you are."),
        h("a", { class: "button", href: "/login" }, "Sign in"),
      );
      banner.hidden = false;
    } else if (asking === undefined) {
      render(
        banner,
        h(
          "p",
          {},
          "The Leukoscope server does not answer. If it was stopped, start it again: what is in your cases is safe.",
        ),
        h("button", { type: "button", onclick: () => void ask() }, "Try again"),
      );
      banner.hidden = false;
      asking = setInterval(ask, SECONDS * 1000);
    }
  });
  return banner;
}
