import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import Desk

pytestmark = pytest.mark.slow(12)


def probabilities(at: Desk) -> list[int]:
    """Of all twelve cells, once they are drawn."""
    expect(at.page.locator(".card .probability", has_text="%")).to_have_count(12)
    texts = at.page.locator(".card .probability").all_inner_texts()
    return [int(text.rstrip("\u00a0%")) for text in texts if text]


def test_sorting_and_filtering_change_what_is_shown(quick_case: Desk) -> None:
    at = quick_case
    at.page.get_by_role("combobox", name="Sort", exact=True).select_option("probability")
    found = probabilities(at)
    assert found == sorted(found, reverse=True)
    at.page.get_by_role("button", name="Descending").click()
    found = probabilities(at)
    assert found == sorted(found)

    blasts = at.count("blast")
    assert 0 < blasts < 12
    at.chip("blast").click()
    expect(at.cards).to_have_count(blasts)
    expect(at.page.locator(".shown")).to_have_text(f"{blasts} of 12 cells")
    at.page.get_by_role("button", name="Show all").click()
    expect(at.cards).to_have_count(12)

    at.page.get_by_role("button", name="Filter").click()
    subject = at.page.get_by_role("combobox", name="Subject", exact=True)
    chosen = subject.locator("option").nth(1)
    wanted = int(chosen.inner_text().split("(")[1].rstrip(")"))
    subject.select_option(index=1)
    expect(at.cards).to_have_count(wanted)
    subject.select_option(index=0)
    at.page.get_by_label("From probability").fill("99")
    expect(at.cards).to_have_count(0)
    expect(at.page.locator(".empty").get_by_role("button", name="Show all")).to_be_visible()


def test_heatmaps_show_on_hover_for_all_or_not_at_all(quick_case: Desk) -> None:
    at = quick_case
    first, second = at.cards.nth(0).locator("canvas"), at.cards.nth(1).locator("canvas")
    at.page.mouse.move(0, 0)
    expect(first).to_have_css("opacity", "0")
    at.cards.nth(0).hover()
    expect(first).to_have_css("opacity", "0.55")
    expect(second).to_have_css("opacity", "0")
    # Drawn from the answer: a value is a pixel.
    expect(first).to_have_js_property("width", 16)
    expect(first).to_have_js_property("height", 16)
    painted = "one => one.getContext('2d').getImageData(0, 0, 16, 16).data.some((v) => v > 0)"
    assert first.evaluate(painted)

    at.page.locator('.view-options input[value="all"]').check()
    expect(second).to_have_css("opacity", "0.55")
    at.page.get_by_label("Opacity of the heatmaps").fill("30")
    expect(second).to_have_css("opacity", "0.3")
    at.page.locator('.view-options input[value="off"]').check()
    at.cards.nth(0).hover()
    expect(first).to_have_css("opacity", "0")


def test_all_crops_share_one_scale_and_the_ruler_has_it(quick_case: Desk) -> None:
    at = quick_case
    for size, scale in (("Small", 0.25), ("Large", 0.65)):
        at.page.get_by_role("radio", name=size).check(force=True)
        at.wait_for(lambda scale=scale: widths(at) == pytest.approx([256 * scale] * 3, abs=0.05))
        ruler = at.page.locator(".ruler-bar").evaluate("one => one.getBoundingClientRect().width")
        assert ruler == pytest.approx(100 * scale, abs=0.05)


def widths(at: Desk) -> list[float]:
    """Of the first three pictures."""
    found = at.page.locator(".card img").evaluate_all(
        "all => all.slice(0, 3).map((one) => one.getBoundingClientRect().width)"
    )
    return [float(one) for one in found]


def test_cells_are_grouped_by_hand_and_removed(quick_case: Desk) -> None:
    at = quick_case
    at.cards.nth(0).hover()
    at.cards.nth(0).get_by_role("checkbox").check()
    at.cards.nth(3).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(at.page.locator(".selection p")).to_have_text("4 cells selected")
    at.page.get_by_role("button", name="Set subject…").click()
    at.dialog.get_by_label("Subject").fill("Patient X")
    at.page.keyboard.press("Enter")
    expect(at.page.locator(".card .subject", has_text="Patient X")).to_have_count(4)
    expect(at.page.locator(".answers")).to_contain_text("Patient X")
    expect(at.page.locator(".selection")).to_be_hidden()

    at.cards.nth(5).locator(".check").click()
    at.page.get_by_role("button", name="Select all shown").click()
    expect(at.page.locator(".selection p")).to_have_text("12 cells selected")
    at.page.get_by_role("button", name="Clear").click()
    at.cards.nth(5).locator(".check").click()
    at.page.get_by_role("button", name="Remove…").click()
    at.dialog.get_by_role("button", name="Remove").click()
    expect(at.cards).to_have_count(11)
    at.page.reload()
    expect(at.cards).to_have_count(11)
    expect(at.page.locator(".card .subject", has_text="Patient X")).to_have_count(4)


def test_threshold_of_the_case_and_back(quick_case: Desk) -> None:
    at = quick_case
    panel = at.page.locator("details.panel:has(.histogram)")
    before = at.count("blast")
    slider = panel.get_by_role("slider")
    slider.fill("0.99")
    expect(panel).to_contain_text(re.compile("99.0\u00a0%.*0 of 12 cells"))
    expect(panel).to_contain_text(re.compile("sensitivity 1.0\u00a0%.*specificity 98.0\u00a0%"))
    assert at.count("blast") == before
    panel.get_by_role("button", name="Use for this case").click()
    expect(at.chip("blast")).to_have_count(0)
    assert at.count("normal") == 12
    panel.get_by_role("button", name="Reset").click()
    expect(at.chip("blast").locator("strong")).to_have_text(str(before))
    expect(panel).to_contain_text("53.0\u00a0%")


def test_name_and_notes_are_kept(quick_case: Desk) -> None:
    at = quick_case
    at.named("Bone marrow 7")
    notes = at.page.get_by_label("Notes on this case")
    notes.fill("Smear of poor quality.\nAsk for another.")
    expect(at.page.locator(".state-line span")).to_have_text("Saved")
    at.page.reload()
    expect(at.page.get_by_label("Name of the case")).to_have_value("Bone marrow 7")
    expect(notes).to_have_value("Smear of poor quality.\nAsk for another.")
    expect(at.page).to_have_title("Bone marrow 7 · Leukoscope")


def test_notes_that_could_not_be_saved_are_not_lost(quick_case: Desk) -> None:
    at = quick_case
    at.page.route("**/v1/cases/*", lambda route: route.abort())
    at.page.get_by_label("Notes on this case").fill("Precious words")
    expect(at.page.locator(".state-line")).to_contain_text("Not saved")
    expect(at.page.locator(".banner")).to_be_visible()
    at.page.unroute("**/v1/cases/*")
    at.page.get_by_role("button", name="Save now").click()
    expect(at.page.locator(".state-line span")).to_have_text("Saved")
    expect(at.page.locator(".banner")).to_be_hidden()


def download(page: Page, word: str) -> Download:
    page.locator(".menu summary", has_text="Export").click()
    with page.expect_download() as caught:
        page.locator(".menu a", has_text=word).click()
    return caught.value


def asked(at: Desk, word: str) -> Download:
    """An export that asks about images first; those of the case are not kept."""
    at.page.locator(".menu summary", has_text="Export").click()
    at.page.locator(".menu button", has_text=word).click()
    expect(at.dialog).to_contain_text("are not kept")
    expect(at.dialog.get_by_role("link", name="With images")).to_have_count(0)
    with at.page.expect_download() as caught:
        at.dialog.get_by_role("link", name="Without images").click()
    expect(at.page.locator("dialog")).to_have_count(0)
    return caught.value


def test_exports_come_as_files(quick_case: Desk) -> None:
    at = quick_case
    at.cards.nth(0).locator(".open").focus()
    at.page.keyboard.press("b")
    expect(at.page.locator(".mark:not(:empty)")).to_have_count(1)
    table = download(at.page, "Cells (CSV)")
    assert table.suggested_filename.endswith(".csv")
    text = Path(table.path()).read_text("utf-8")
    rows = [row for row in csv.reader(io.StringIO(text)) if row and not row[0].startswith("#")]
    assert len(rows) == 13
    body = json.loads(Path(download(at.page, "JSON").path()).read_text("utf-8"))
    assert len(body["cells"]) == 12
    report = Path(asked(at, "Report").path()).read_text("utf-8")
    assert "Research use only" in report
    cohort = zipfile.ZipFile(asked(at, "Reviewed cells").path())
    assert "cohort.csv" in cohort.namelist()


def test_a_case_is_deleted_after_a_question(quick_case: Desk) -> None:
    at = quick_case
    case = at.case
    at.page.locator(".menu summary", has_text="More").click()
    at.page.get_by_role("button", name="Delete this case…").click()
    expect(at.dialog).to_contain_text("12 cells")
    at.page.keyboard.press("Enter")  # Cancel has the focus
    expect(at.dialog).to_have_count(0)
    at.page.locator(".menu summary", has_text="More").click()
    at.page.get_by_role("button", name="Delete this case…").click()
    at.dialog.get_by_role("button", name="Delete").click()
    expect(at.page.locator(".home h1")).to_be_attached()
    assert at.page.request.get(f"{at.url}/v1/cases/{case}").status == 404
    at.page.go_back()  # past the case, to what was open before it
    expect(at.page.locator(".home h1")).to_be_attached()
    at.go(f"#/case/{case}")
    expect(at.page.locator(".failed h1")).to_have_text("This case does not exist")
    expect(at.page.locator(".failed a")).to_have_attribute("href", "#/")
    expect(at.page.locator(".failed button")).to_have_count(0)


def test_images_are_kept_only_when_asked(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()
    not_kept = at.page.locator("#keep-words").inner_text()
    at.page.get_by_label("Keep the images with the case").check()
    expect(at.page.locator("#keep-words")).not_to_have_text(not_kept)
    at.add(cells[:2])
    at.page.reload()
    image = at.cards.nth(0).locator("img")
    expect(image).to_have_attribute("src", re.compile(f"^/v1/cases/{at.case}/cells/[0-9]+/image$"))
    # A stored frame of 450 pixels is shown at the scale of the crops.
    expect(image).to_have_css("width", f"{450 * 0.4:g}px")
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog.locator(".facts").first).to_contain_text("Area")
