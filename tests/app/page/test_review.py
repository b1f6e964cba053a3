from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.live import Live
from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import Desk

pytestmark = pytest.mark.slow(10)


def test_a_cell_opens_large_with_all_that_is_known(
    desk: OpenDesk, live_server: Live, cells: list[Path]
) -> None:
    at = desk(live_server)
    at.add(cells[:2])
    answer = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["cells"][0]
    at.cards.nth(0).locator(".open").click()
    box = at.dialog
    expect(box.get_by_role("heading", level=2)).to_have_text(cells[0].name)
    expect(box.locator(".big-verdict")).to_contain_text(answer["verdict"].capitalize())
    expect(box).to_contain_text(f"{answer['threshold'] * 100:.1f}\u00a0%")
    expect(box.locator(".facts").first).to_contain_text("Area")
    expect(box.locator(".neighbors li")).to_have_count(4)
    expect(box.locator(".neighbors")).to_contain_text("synthetic")
    expect(box.locator(".file-facts")).to_contain_text(answer["sha256"])
    canvas = box.locator("canvas")
    expect(canvas).to_have_css("opacity", "0")
    at.page.keyboard.press("h")
    expect(canvas).to_have_css("opacity", "0.55")
    at.page.keyboard.press("ArrowRight")
    expect(box.get_by_role("heading", level=2)).to_have_text(cells[1].name)
    expect(box.locator(".place")).to_have_text("2 of 2")
    expect(box.get_by_role("button", name="Next cell")).to_be_disabled()
    at.page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(at.card(cells[1].name).locator(".open")).to_be_focused()


def test_reviews_by_button_with_reviewer_and_remark(quick_case: Desk) -> None:
    at = quick_case
    at.cards.nth(0).locator(".open").click()
    box = at.dialog
    box.locator("summary", has_text="Reviewer").click()
    box.get_by_label("Reviewer (optional").fill("Dr B")
    box.get_by_label("Note (optional").fill("large nucleolus")
    box.get_by_role("button", name="It is a blast").click()
    expect(box.locator(".said")).to_contain_text("Reviewed: blast")
    expect(box.locator(".said")).to_contain_text("by Dr B")
    expect(box.locator(".said")).to_contain_text("large nucleolus")
    box.get_by_label("next cell after a review").check()
    box.get_by_role("button", name="Not a cell").click()
    expect(box.locator(".place")).to_have_text("2 of 12")
    at.page.reload()
    kept = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()
    review = kept["cells"][0]["review"]
    assert (review["label"], review["reviewer"], review["note"]) == ("not a cell", "Dr B", "")
    expect(at.page.locator(".meta")).to_contain_text("1 reviewed")


def test_reviews_by_keys_and_undo(quick_case: Desk) -> None:
    at = quick_case
    keys = at.page.keyboard
    at.cards.nth(0).locator(".open").focus()
    for key in ("b", "ArrowRight", "n", "j", "x", "ArrowRight", "a"):
        if len(key) == 1 and key != "j":
            with at.page.expect_response("**/review"):
                keys.press(key)
        else:
            keys.press(key)
    expect(at.page.locator(".meta")).to_contain_text("4 reviewed")
    labels = [
        cell["review"]["label"]
        for cell in at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["cells"][:4]
    ]
    assert labels[:3] == ["ALL", "HEM", "not a cell"]
    expect(at.cards.nth(3).locator(".mark")).to_have_text("✓")
    keys.press("u")
    expect(at.page.locator(".toast").last).to_contain_text("is not reviewed")
    expect(at.page.locator(".meta")).to_contain_text("3 reviewed")
    for left in (2, 1, 0):
        at.page.get_by_role("button", name="Undo review").click()
        expect(at.page.locator(".meta")).to_contain_text(f"{left} reviewed")
    expect(at.page.get_by_role("button", name="Undo review")).to_be_hidden()


def test_the_way_back_stays_in_view_for_the_last_review_only(
    quick_case: Desk, cells: list[Path]
) -> None:
    at = quick_case
    at.add(cells[:16:16])
    offers = at.page.locator(".toast").get_by_role("button", name="Undo")
    at.cards.nth(0).locator(".open").focus()
    for key in ("b", "n"):
        with at.page.expect_response("**/review"):
            at.page.keyboard.press(key)
        at.page.keyboard.press("ArrowRight")
    expect(at.page.locator(".meta")).to_contain_text("2 reviewed")
    expect(offers).to_have_count(1)
    expect(at.page.locator(".toast[data-name=uploaded]")).to_have_count(1)
    at.let_messages_leave()
    expect(at.page.locator(".toast")).to_have_count(1)
    offers.click()
    expect(at.page.locator(".meta")).to_contain_text("1 reviewed")
    expect(at.cards.nth(1).locator(".mark")).to_be_empty()
    expect(at.cards.nth(0).locator(".mark")).not_to_be_empty()
    expect(offers).to_have_count(0)


def test_working_through_what_is_not_reviewed(quick_case: Desk) -> None:
    at = quick_case
    at.page.get_by_role("button", name="Filter").click()
    at.page.get_by_role("combobox", name="Review", exact=True).select_option("open")
    first = at.cards.nth(0).locator(".open")
    first.focus()
    for left in range(11, 8, -1):
        at.page.keyboard.press("b")
        expect(at.cards).to_have_count(left)
        # The next cell takes the place of the reviewed one, and the focus.
        expect(at.cards.nth(0).locator(".open")).to_be_focused()


def test_a_review_that_fails_says_so_and_shows_nothing_false(quick_case: Desk) -> None:
    at = quick_case
    at.page.route("**/review", lambda route: route.fulfill(status=503, body='{"error": "Full."}'))
    at.cards.nth(0).locator(".open").focus()
    at.page.keyboard.press("b")
    expect(at.page.locator(".toast.problem")).to_contain_text("Full.")
    expect(at.cards.nth(0).locator(".mark")).to_be_empty()


def test_keyboard_alone_from_the_first_page_to_a_reviewed_cell(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk()
    at.page.on("filechooser", lambda chooser: chooser.set_files(cells[:30:3]))
    keys = at.page.keyboard
    keys.press("Tab")
    expect(at.page.get_by_role("link", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(at.page.get_by_role("button", name="Choose images")).to_be_focused()
    keys.press("Enter")
    expect(at.cards).to_have_count(10)
    expect(at.page.locator(".toast[data-name=uploaded]")).to_be_visible()
    # One Tab stop for the whole grid, and one for its checkbox.
    stops = at.page.locator('.card [tabindex="0"]')
    expect(stops).to_have_count(2)
    for _ in range(40):
        keys.press("Tab")
        if at.page.evaluate("document.activeElement.matches('.card .open')"):
            break
    columns = at.page.locator(".cells").evaluate(
        "one => getComputedStyle(one).gridTemplateColumns.split(' ').length"
    )
    keys.press("ArrowDown")
    expect(at.cards.nth(columns).locator(".open")).to_be_focused()
    keys.press("Home")
    keys.press("ArrowRight")
    keys.press("s")
    expect(at.page.locator(".selection p")).to_have_text("1 cell selected")
    keys.press("Escape")
    expect(at.page.locator(".selection")).to_be_hidden()
    keys.press("?")
    expect(at.dialog.locator("kbd").last).to_be_visible()
    keys.press("Escape")
    keys.press("Enter")
    expect(at.dialog.locator(".place")).to_have_text("2 of 10")
    keys.press("n")
    expect(at.dialog.locator(".said")).to_contain_text("Reviewed: normal")
    keys.press("Escape")
    expect(at.cards.nth(1).locator(".open")).to_be_focused()
    expect(at.cards.nth(1).locator(".mark")).not_to_be_empty()
