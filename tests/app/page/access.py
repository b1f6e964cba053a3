"""Checks of what everyone needs: axe-core, and that nothing is wider than the page or covered."""

from importlib import resources
from typing import Any

from playwright.sync_api import Locator

from tests.app.page.driver import Desk

AXE = resources.files("axe_core_python") / "axe.min.js"


def load_axe(at: Desk) -> None:
    if not at.page.evaluate("'axe' in window"):
        # Evaluated by the debugger, which the page's policy does not bind.
        at.page.evaluate(AXE.read_text("utf-8"))


def violations(at: Desk) -> list[str]:
    load_axe(at)
    found: dict[str, Any] = at.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['impact']} {one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def fits(at: Desk) -> bool:
    """Check that nothing reaches over the right edge."""
    wide = at.page.evaluate(
        """() => {
            const [root, page] = [document.documentElement, document.querySelector("#page")];
            return root.scrollWidth <= innerWidth && page.scrollWidth <= page.clientWidth ? [] :
                [...page.querySelectorAll("*")]
                    .filter((one) => one.getBoundingClientRect().right > page.clientWidth + 0.5)
                    .map((one) => one.outerHTML.slice(0, 100));
        }"""
    )
    assert wide == []
    return True


def fits_sideways(box: Locator) -> bool:
    return bool(
        box.evaluate(
            """(one) => [one, one.querySelector(".dialog-content")]
                .every((part) => part.scrollWidth <= part.clientWidth)"""
        )
    )


def covered(at: Desk) -> list[str]:
    """The buttons and links whose middle is scrolled into view, but under a message."""
    found: list[str] = at.page.evaluate(
        """() => {
            const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
            const inside = (box, x, y) =>
                x > box.left && x < box.right && y > box.top && y < box.bottom;
            return [...top.querySelectorAll("button, a, input, select, summary")]
                .filter((one) => one.checkVisibility() && !one.closest(".skip, .dock, .toasts"))
                .filter((one) => {
                    const box = one.getBoundingClientRect();
                    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                    const view = one.closest(".dialog-content, #page, dialog");
                    return inside(view.getBoundingClientRect(), x, y)
                        && document.elementFromPoint(x, y)?.closest(".toasts, .progress");
                })
                .map((one) => one.outerHTML.slice(0, 80));
        }"""
    )
    return found
