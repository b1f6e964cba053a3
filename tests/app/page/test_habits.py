"""What everyone expects of a page: Back, messages beside the work, rings, room on small screens."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.page.access import covered, fits, fits_sideways
from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import Desk, Screen

pytestmark = pytest.mark.slow(15)


def test_back_closes_the_uppermost_dialog_and_no_key_reviews_a_case_that_was_left(
    quick_case: Desk,
) -> None:
    at = quick_case
    keys, case = at.page.keyboard, at.case
    at.cards.nth(0).locator(".open").click()
    keys.press("?")
    expect(at.page.locator("dialog")).to_have_count(2)
    at.page.go_back()
    expect(at.page.locator("dialog")).to_have_count(1)
    at.page.go_back()
    expect(at.page.locator("dialog")).to_have_count(0)
    assert at.case == case
    # Opened and closed quickly, the history is as before.
    for key in ("Enter", "Escape", "Enter", "Escape", "Enter"):
        keys.press(key)
    expect(at.dialog).to_be_visible()
    at.page.evaluate("location.hash = '#/'")
    expect(at.page.locator(".home h1")).to_be_attached()
    expect(at.page.locator("dialog")).to_have_count(0)
    keys.press("b")
    assert at.page.request.get(f"{at.url}/v1/cases/{case}").json()["reviewed"] == 0
    at.go(f"#/case/{case}")
    at.cards.nth(0).locator(".open").click()
    at.page.reload()
    expect(at.cards).to_have_count(12)
    expect(at.page.locator("dialog")).to_have_count(0)
    at.wait_for(lambda: at.page.evaluate("!history.state?.dialogs"))


def test_a_slow_step_back_neither_closes_the_next_dialog_nor_undoes_an_address(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk()
    at.add(cells[:2])
    keys = at.page.keyboard
    at.page.evaluate(
        """() => {
            const step = history.go.bind(history);
            window.steps = 0;
            addEventListener("popstate", () => (window.steps += 1));
            history.go = (by) => setTimeout(step, 1200, by);  // as on a busy machine
            window.overtake = () => {
                history.go = (by) => {
                    history.go = step;
                    location.hash = "#/";
                    step(by);
                };
            };
        }"""
    )
    at.cards.nth(0).locator(".open").click()
    keys.press("Escape")
    expect(at.page.locator("dialog")).to_have_count(0)
    at.cards.nth(1).locator(".open").click()
    at.wait_for(lambda: at.page.evaluate("window.steps === 1 && history.state?.dialogs === 1"))
    expect(at.page.locator("dialog")).to_have_count(1)
    at.page.evaluate("overtake()")
    keys.press("Escape")
    at.wait_for(lambda: at.page.evaluate("window.steps === 4 && location.hash === '#/'"))
    expect(at.page.locator(".home h1")).to_be_attached()


LOW_SCREENS: tuple[Screen, ...] = (
    (320, 480, "light"),
    (390, 844, "dark"),
    (768, 400, "light"),
    (1440, 900, "dark"),
)


def test_a_cell_opens_at_its_top_with_all_buttons_free(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk(viewport={"width": 320, "height": 480})
    at.add(cells[:3])
    for _ in at.screens(LOW_SCREENS):
        check_a_cell_opened(at)
        at.page.keyboard.press("Escape")
        expect(at.page.locator("dialog")).to_have_count(0)


def check_a_cell_opened(at: Desk) -> None:
    """From the page with a message, by the first cell."""
    expect(at.page.locator(".toast").last).to_be_visible()
    skip = at.page.get_by_role("link", name="Skip to content")
    assert skip.evaluate("(one) => one.getBoundingClientRect().width") <= 1
    for part in (0, 0.5, 1):
        at.page.locator("#page").evaluate(
            "(one, part) => one.scrollTo(0, part * one.scrollHeight)", part
        )
        assert covered(at) == []
    first = at.cards.nth(0).locator(".open")
    first.focus()
    at.page.keyboard.press("ArrowRight")
    # The ring is inside the picture, so that nothing clips it.
    ring = (
        at.cards.nth(1)
        .locator(".picture")
        .evaluate(
            "(one) => ((s) => [s.borderTopWidth, s.inset])(getComputedStyle(one, '::before'))"
        )
    )
    assert ring == ["3px", "0px"]
    first.click()
    content = at.dialog.locator(".dialog-content")
    assert content.evaluate("(one) => one.scrollTop") == 0
    expect(at.dialog.get_by_role("heading", level=2)).to_be_in_viewport()
    expect(at.dialog.locator(".stage img")).to_be_in_viewport()
    at.dismiss()
    at.page.keyboard.press("n")
    expect(at.dialog.locator(".toast")).not_to_have_count(0)
    assert covered(at) == []
    at.dialog.locator(".adjust summary").click()
    assert fits_sideways(at.dialog)
    badges = at.dialog.evaluate(
        """(box) => [...box.querySelectorAll("button kbd")]
            .filter((one) => one.checkVisibility())
            .filter((one) => one.getBoundingClientRect().right
                > one.closest("button").getBoundingClientRect().right)
            .length"""
    )
    assert badges == 0


def test_the_opened_cell_is_zoomed_and_lit(quick_case: Desk) -> None:
    at = quick_case
    at.cards.nth(0).locator(".open").click()
    image = at.dialog.locator(".stage img")
    canvas = at.dialog.locator(".stage canvas")
    expect(image).to_have_css("scale", "1")
    at.page.keyboard.press("+")
    at.page.keyboard.press("+")
    expect(image).to_have_css("scale", "1.5625")
    expect(canvas).to_have_css("scale", "1.5625")  # the heatmap stays on its cell
    at.page.keyboard.press("Shift+ArrowLeft")
    before = image.evaluate("(one) => getComputedStyle(one).translate")
    at.page.mouse.move(*center(at))
    at.page.mouse.down()
    at.page.mouse.move(center(at)[0] - 30, center(at)[1])
    at.page.mouse.up()
    assert image.evaluate("(one) => getComputedStyle(one).translate") != before
    at.dialog.locator(".adjust summary").click()
    at.dialog.get_by_label("Brightness").fill("1.5")
    at.dialog.get_by_label("Contrast").fill("2")
    expect(image).to_have_css("filter", "brightness(1.5) contrast(2)")
    at.dialog.get_by_role("button", name="Next cell").click()
    expect(at.dialog.locator(".stage img")).to_have_css("filter", "brightness(1.5) contrast(2)")
    at.page.keyboard.press("0")
    expect(at.dialog.locator(".stage img")).to_have_css("scale", "1")
    expect(at.dialog.locator(".place")).to_have_text("2 of 12")


def center(at: Desk) -> tuple[float, float]:
    """Of the picture in the open dialog."""
    box = at.dialog.locator(".stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_cases_are_found_sorted_and_deleted_together(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk(viewport={"width": 320, "height": 700})
    post = at.page.request.post
    made = [
        post(f"{at.url}/v1/cases", data={"name": f"Heap {name}"}).json()["id"] for name in "BCA"
    ]
    at.go("#/")
    at.page.get_by_label("Find a case").fill("heap")
    names = at.page.locator(".case-row-name")
    expect(names).to_have_count(3)
    at.page.get_by_role("combobox", name="Sort").select_option("name")
    expect(names).to_have_text(["Heap A", "Heap B", "Heap C"])
    at.page.get_by_label("Select Heap A").check()
    at.page.get_by_label("Select Heap C").check()
    assert fits(at)
    at.page.get_by_role("button", name="Delete 2 cases…").click()
    at.dialog.get_by_role("button", name="Delete").click()
    expect(names).to_have_text(["Heap B"])
    kept = [at.page.request.get(f"{at.url}/v1/cases/{one}").status for one in made]
    assert kept == [200, 404, 404]
