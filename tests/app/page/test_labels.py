"""Reviews beyond the two classes: other labels, many at once, blind, and where there is nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.page.access import covered, fits, violations
from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import SCREENS

pytestmark = pytest.mark.slow(15)


def test_cells_are_labeled_one_by_one_and_together(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk(viewport={"width": 320, "height": 800})
    at.add(cells[:5])
    keys, marks = at.page.keyboard, at.page.locator(".mark:not(:empty)")
    at.cards.nth(0).locator(".open").focus()
    keys.press("t")
    expect(marks).to_have_count(1)
    keys.press("ArrowRight")
    keys.press("2")
    expect(at.cards.nth(1).locator(".mark")).to_have_text("→ granulocyte")

    at.cards.nth(1).locator(".open").click()
    at.dialog.locator(".other-types summary").click()
    at.dialog.get_by_role("button", name="Edit the list…").click()
    at.dialog.get_by_role("textbox").fill("basophil\n\n  plasma   cell\nblast")
    at.dialog.get_by_role("button", name="Save").click()
    others = at.dialog.locator(".other-types .review-buttons button")
    expect(others).to_have_count(2)
    expect(others.nth(1)).to_contain_text("Plasma cell")
    others.nth(1).click()
    expect(at.dialog.locator(".said")).to_contain_text("plasma cell")
    assert violations(at) == []
    keys.press("Escape")

    at.cards.nth(2).locator(".check").click()
    at.cards.nth(4).get_by_role("checkbox").click(modifiers=["Shift"])
    at.page.get_by_role("button", name="Review…").click()
    assert [covered(at) for _ in at.screens()] == [[]] * len(SCREENS)
    at.dialog.get_by_role("button", name="It is normal").click()
    expect(marks).to_have_count(5)
    body = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()
    labels = [cell["review"]["label"] for cell in body["cells"]]
    assert labels == ["cannot tell", "plasma cell", "HEM", "HEM", "HEM"]
    assert all(fits(at) for _ in at.screens())
    at.page.get_by_role("button", name="Undo", exact=True).last.click()
    expect(marks).to_have_count(2)


def test_a_blind_review_comes_before_the_verdict(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()
    at.add(cells[:3])
    at.page.get_by_role("combobox", name="Sort", exact=True).select_option("probability")
    at.page.get_by_label("Review blind").check()
    expect(at.page.locator(".card .verdict")).to_have_text(["Not reviewed"] * 3)
    for hidden in (".chips", ".histogram", ".grid-caption", ".answers .strip"):
        expect(at.page.locator(hidden).first).to_be_hidden()
    told = at.page.locator(".card").evaluate_all("(all) => all.map((one) => one.innerText).join()")
    labels = at.page.locator(".card .open").evaluate_all("(a) => a.map((one) => one.ariaLabel)")
    assert "%" not in told + "".join(labels)
    # In the order added: that of the probability would tell.
    names = at.page.locator(".card .open").evaluate_all("(all) => all.map((one) => one.title)")
    assert names == [cell.name for cell in cells[:3]]
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog.locator(".answer")).to_contain_text("after your review")
    expect(at.dialog.get_by_role("button", name="Agree")).to_be_disabled()
    expect(at.dialog.locator(".neighbors")).to_have_count(0)
    at.page.keyboard.press("n")
    expect(at.dialog.locator(".big-verdict")).to_contain_text("%")
    at.page.keyboard.press("ArrowRight")
    expect(at.dialog.locator(".answer")).to_contain_text("after your review")
    at.page.keyboard.press("Escape")
    expect(at.page.locator(".card .probability", has_text="%")).to_have_count(1)
    at.page.get_by_label("Review blind").uncheck()
    expect(at.page.locator(".card .probability", has_text="%")).to_have_count(3)
    expect(at.page.locator(".answers .subject-answer").first).to_be_visible()


def test_nothing_is_reviewed_that_nobody_sees(
    desk: OpenDesk, cells: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "junk.png").write_bytes(b"junk")
    at = desk()
    at.add([cells[0], tmp_path / "junk.png"])
    at.card("junk.png").locator(".open").focus()
    at.page.keyboard.press("n")
    expect(at.page.locator(".toast").last).to_contain_text("could not be read")
    at.page.reload()
    expect(at.page.locator(".silhouette")).to_have_count(2)
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog.locator(".review .note")).to_contain_text("not shown")
    expect(at.dialog.locator(".review-buttons button:not(:disabled)")).to_have_count(0)
    at.page.keyboard.press("b")
    expect(at.page.locator(".toast").last).to_contain_text("not shown")
    assert at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["reviewed"] == 0
