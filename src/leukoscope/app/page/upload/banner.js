/** A banner while the server does not respond. It polls, and lets the page reload afterwards. */

import { connection } from "../server/api.js";
import { render, h } from "../lib/dom.js";

const SECONDS = 3;

/** @param {() => void} onBack Called when the server responds again. @returns {HTMLElement} */
export function connectionBanner(onBack) {
  const banner = h("div", { class: "banner", role: "alert", hidden: true });
  /** @type {ReturnType<typeof setInterval>|undefined} */
  let asking;
  const ask = async () => {
    try {
      const response = await fetch("/healthz", { cache: "no-store" });
      if (response.ok) connection.emit("up");
    } catch {
      // still down
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
        h("p", {}, "You need to sign in to use this server."),
        h("a", { class: "button", href: "/login" }, "Sign in"),
      );
      banner.hidden = false;
    } else if (asking === undefined) {
      render(
        banner,
        h(
          "p",
          {},
          "The Leukoscope server does not respond. If it was stopped, start it again. Your cases are safe.",
        ),
        h("button", { type: "button", onclick: () => void ask() }, "Try again"),
      );
      banner.hidden = false;
      asking = setInterval(ask, SECONDS * 1000);
    }
  });
  return banner;
}
