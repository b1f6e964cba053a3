"""What a person sees of cells that get no answer: uncertain, and not a cell."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests import forked
from tests.app.conftest import clean_environment
from tests.app.live import Live, running
from tests.app.page.conftest import HIGH, LOW, NewCase, OpenDesk
from tests.app.page.driver import Desk

pytestmark = pytest.mark.slow(8)


@pytest.fixture(scope="module")
def cautious_server(
    cautious_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("home")
    with running(str(cautious_file), env=clean_environment(folder), start=forked.start) as live:
        yield live


@pytest.fixture
def case(new_case: NewCase, cautious_server: Live, cells: list[Path], tmp_path: Path) -> Desk:
    """12 cells, and a white picture."""
    Image.new("RGB", (450, 450), "white").save(tmp_path / "white.png")
    return new_case([*cells[::16][:12], tmp_path / "white.png"], cautious_server)


def test_cells_without_an_answer_are_counted_and_explained(case: Desk) -> None:
    counts = {word: case.count(word) for word in ("blast", "uncertain", "normal", "not a cell")}
    assert counts == {"blast": 3, "uncertain": 7, "normal": 2, "not a cell": 1}
    table = case.page.locator(".answers tbody")
    expect(table).to_contain_text("2 uncertain")
    expect(table).to_contain_text("1 not a cell")
    few = table.locator("tr", has_text="too few cells").first
    expect(few).to_contain_text("uncertain")
    expect(few.locator("td").first).to_have_attribute("title", re.compile("at least 5 are needed"))
    expect(case.page.locator(".answers")).to_contain_text("No statement about a patient")
    case.chip("uncertain").click()
    expect(case.cards).to_have_count(7)
    case.cards.first.locator("button[title]").first.click()
    expect(case.dialog.locator(".big-verdict")).to_contain_text("Uncertain")
    expect(case.dialog.locator(".answer")).to_contain_text("both classes")


def test_a_picture_that_is_no_cell_says_why_and_has_no_number(case: Desk) -> None:
    case.chip("not a cell").click()
    card = case.cards.first
    expect(card.locator(".probability")).to_have_text("")
    expect(card.locator(".p-bar")).to_be_hidden()
    assert "%" not in card.inner_text() + str(card.locator(".open").get_attribute("aria-label"))
    card.locator("button[title]").first.click()
    expect(case.dialog.locator(".big-verdict")).to_have_text("Not a cell")
    expect(case.dialog.locator(".answer")).to_contain_text("no black border")
    expect(case.dialog.locator(".p-scale")).to_have_count(0)


def test_the_grid_and_a_cell_say_the_limits_and_show_three_zones(case: Desk) -> None:
    limits = "blast from 54.0\u00a0%, normal below 51.9\u00a0%"
    caption = case.page.locator(".grid-caption")
    expect(caption).to_have_count(1)
    expect(caption).to_contain_text(f"probability of ALL: {limits}")
    case.chip("uncertain").click()
    bar = case.cards.first.locator(".p-bar")
    for _ in case.screens():
        expect(caption).to_be_visible()
        expect(bar).to_be_visible()
        assert zones(bar) == [LOW, HIGH]
    case.cards.first.locator("button[title]").first.click()
    expect(case.dialog.locator(".answer")).to_contain_text(limits)
    assert zones(case.dialog.locator(".p-scale")) == [LOW, HIGH]


def zones(bar: Locator) -> list[float]:
    """Where the zones of a bar end."""
    ends = bar.evaluate("(b) => ['--low', '--high'].map((n) => b.style.getPropertyValue(n))")
    assert bar.evaluate("(b) => getComputedStyle(b).backgroundImage").startswith("linear-gradient")
    return [float(end) for end in ends]


def test_a_threshold_moves_the_limit_that_it_lies_beyond(case: Desk) -> None:
    panel = case.page.locator("details.panel:has(.histogram)")
    use = panel.get_by_role("button", name="Use for this case")
    expect(panel).to_contain_text(re.compile("from 54.0.*below 51.9.*3 of 5 cells.*7 more"))
    panel.get_by_role("slider").fill("0.52")
    expect(panel).to_contain_text("not change any verdict")
    expect(panel).to_contain_text(re.compile("from 54.0.*below 51.9.*3 of 5 cells.*7 more"))
    expect(use).to_be_hidden()
    panel.get_by_role("slider").fill("0.57")
    expect(panel).to_contain_text(re.compile("from 57.0.*below 51.9.*1 of 3 cells.*9 more"))
    expect(panel.locator(".histogram .threshold")).to_have_count(2)
    use.click()
    expect(case.chip("uncertain").locator("strong")).to_have_text("9")
    assert (case.count("blast"), case.count("normal"), case.count("not a cell")) == (1, 2, 1)
    expect(case.page.locator(".grid-caption")).to_contain_text("blast from 57.0\u00a0%")
    panel.get_by_role("button", name="Reset").click()
    expect(case.chip("uncertain").locator("strong")).to_have_text("7")


def test_sensitivity_and_specificity_are_those_of_the_answers_given(case: Desk) -> None:
    """Of 100 blasts 46 are above and 51.9 below the range; of 100 normal cells 70.8 and 26.9."""
    panel = case.page.locator("details.panel:has(.histogram)")
    expect(panel).to_contain_text("on the cells with an answer")
    expect(panel).to_contain_text(re.compile("sensitivity 47.0\u00a0%, specificity 27.5\u00a0%"))
    expect(panel).to_contain_text(re.compile("2.1\u00a0% of the blasts, 2.2\u00a0% of the normal"))


def test_the_model_page_says_when_it_abstains_and_what_that_is_worth(
    desk: OpenDesk, cautious_server: Live, quick_server: Live
) -> None:
    at = desk(cautious_server, "#/model")
    abstains = at.page.locator("[data-abstains=not-guaranteed]")
    expect(abstains).to_contain_text("51.9\u00a0% to 54.0\u00a0%")
    readout = at.page.locator(".readout")
    expect(readout).to_contain_text("blast from 54.0\u00a0%, normal below 51.9\u00a0%")
    expect(readout.locator(".is-sensitivity dd")).to_have_text("47.0\u00a0%")
    expect(readout).to_contain_text("2.1\u00a0% of the blasts")
    bold = desk(quick_server, "#/model")
    expect(bold.page.locator("[data-abstains=never]")).to_be_visible()


def test_images_that_the_model_was_trained_on_are_told_above_the_cells(case: Desk) -> None:
    banner = case.page.locator(".main-column .note.warning", has_text="SEEN IN TRAINING")
    expect(banner).to_contain_text("1 of 13 images are among those")
