"""The views and states of the page: how a person opens each, from an open case.

The case has more than four subjects, a picture of a smear and a broken file.
"""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.app.page.driver import FILES, Desk

Open = Callable[[Desk], object]


def click(at: Desk, name: str) -> None:
    at.page.get_by_role("button", name=name).first.click()


def menu(at: Desk, word: str) -> None:
    at.page.locator(".menu summary", has_text=word).click()


def cell(at: Desk, number: int = 0) -> None:
    at.cards.nth(number).locator(".open").click()
    expect(at.dialog.locator(".stage img, .stage .silhouette").first).to_be_attached()


def home(at: Desk) -> None:
    at.go("#/")
    expect(at.page.get_by_label("Model of a new case")).to_be_visible()
    expect(at.page.locator(".thumbs img")).to_have_count(5)
    at.page.get_by_label("Keep the images with the case").check()


def cases_selected(at: Desk) -> None:
    home(at)
    at.page.get_by_label("Find a case").fill("a")
    for number in range(2):
        at.page.locator(".case-check input").nth(number).check()
    expect(at.page.get_by_role("button", name="Delete 2 cases…")).to_be_visible()


def delete_cases(at: Desk) -> None:
    cases_selected(at)
    click(at, "Delete 2 cases…")


def case_in_use(at: Desk) -> None:
    """Subjects sorted and searched, another threshold, the filters open, a cell selected."""
    at.page.locator(".answers").get_by_role("button", name="Mean p(ALL)").click()
    at.page.locator(".answers").get_by_role("searchbox").fill("1")
    panel = at.page.locator("details.panel:has(.histogram)")
    if not panel.get_by_role("slider").is_visible():
        panel.locator("summary").click()
    panel.get_by_role("slider").fill("0.9")
    expect(panel.get_by_role("button", name="Use for this case")).to_be_visible()
    click(at, "Filter")
    at.cards.nth(0).locator(".check").click()
    expect(at.page.locator(".selection")).to_be_visible()


def of_selection(word: str) -> Open:
    def open_dialog(at: Desk) -> None:
        at.cards.nth(0).locator(".check").click()
        click(at, "Select all shown")
        click(at, word)

    return open_dialog


def no_cell_and_messages(at: Desk) -> None:
    click(at, "Filter")
    at.page.get_by_label("From probability").fill("100")
    expect(at.page.locator(".empty")).to_be_visible()
    at.page.evaluate(
        """async () => {
            const { toast, problem } = await import("/static/lib/toast.js");
            toast("12 images analyzed. 3 were already in the case.", { name: "uploaded" });
            problem("The review could not be saved.", new Error("The server is full. ".repeat(4)));
            toast("Saved: a cell is a blast.", { action: { word: "Undo", run: () => {} } });
        }"""
    )
    expect(at.page.locator(".toast")).to_have_count(3)


def cell_with_all_controls(at: Desk) -> None:
    cell(at)
    at.page.keyboard.press("h")
    at.dialog.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")
    at.page.keyboard.press("+")
    at.dialog.locator(".dialog-content").evaluate("(one) => one.scrollTo(0, 0)")


def other_types(at: Desk) -> None:
    cell(at)
    at.dialog.locator(".other-types summary").click()
    click(at, "Edit the list…")
    expect(at.dialog.get_by_role("textbox")).to_be_visible()


def keys(at: Desk) -> None:
    menu(at, "More")
    click(at, "Keyboard shortcuts")


def unreadable(at: Desk) -> None:
    at.card("a file that is not an image, with a long name.png").locator(".open").click()
    expect(at.dialog.locator(".review .note")).to_contain_text("could not be read")


def blind(at: Desk) -> None:
    at.page.get_by_label("Review blind").check()
    expect(at.page.locator(".answers")).to_contain_text("Hidden")


def blind_cell(at: Desk) -> None:
    blind(at)
    cell(at)
    expect(at.dialog.locator(".answer")).to_contain_text("after your review")


def export_asks(at: Desk) -> None:
    menu(at, "Export")
    click(at, "Reviewed cells (ZIP)…")


def server_away_and_progress(at: Desk) -> None:
    at.page.route("**/healthz", lambda one: one.abort())
    at.page.route("**/v1/predict*", lambda one: one.abort())
    at.page.locator(FILES).first.set_input_files(
        [{"name": "a.bmp", "mimeType": "", "buffer": b"x"}]
    )
    expect(at.page.get_by_role("button", name="Retry now")).to_be_visible()
    expect(at.page.locator(".banner")).to_be_visible()


def scale_of_field(at: Desk) -> None:
    click(at, "Find cells")
    expect(at.dialog.get_by_label("Scale, µm per pixel")).to_be_visible()


def cells_of_field(at: Desk) -> None:
    scale_of_field(at)
    at.dialog.get_by_role("button", name="Continue without a scale").click()
    expect(at.dialog.locator(".field-cells input").first).to_be_visible()
    expect(at.dialog.get_by_label("Scale, µm per pixel")).to_have_count(0)


def refused_files(at: Desk) -> None:
    at.page.route("**/v1/predict*", lambda one: one.fulfill(status=413, body='{"error": "Full."}'))
    at.page.locator("input[type=file]").first.set_input_files(
        [{"name": f"{'long ' * 20}.bmp", "mimeType": "", "buffer": b"x"}]
    )
    click(at, "Show files")
    at.page.unroute("**/v1/predict*")


STATES: dict[str, Open] = {
    "home": cases_selected,
    "delete cases": delete_cases,
    "model": lambda at: at.go("#/model"),
    "no such case": lambda at: at.go("#/case/none"),
    "case": case_in_use,
    "no cell, messages": no_cell_and_messages,
    "export": lambda at: menu(at, "Export"),
    "export asks": export_asks,
    "server away, progress": server_away_and_progress,
    "review many": of_selection("Review…"),
    "subject of many": of_selection("Set subject…"),
    "refused files": refused_files,
    "cell": cell_with_all_controls,
    "types of cells": other_types,
    "keys": keys,
    "unreadable file": unreadable,
    "blind": blind,
    "blind cell": blind_cell,
    "scale of a field": scale_of_field,
    "cells of a field": cells_of_field,
}
