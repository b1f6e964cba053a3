"""Whether everyone can use it: axe-core, sizes, themes, zoom; and that the page keeps its doors."""

import gzip
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.page.access import fits, fits_sideways, violations
from tests.app.page.conftest import OpenDesk
from tests.app.page.driver import Desk
from tests.app.page.fonts import use_font

pytestmark = pytest.mark.slow(12)

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_phone_shows_all_of_it_and_research_use_everywhere(
    desk: OpenDesk, cells: list[Path]
) -> None:
    """Touch changes what is shown of cards and cells; test_screens has all states in all sizes."""

    def check(view: str) -> None:
        seen[view] = violations(at)
        assert fits(at)
        at.page.mouse.wheel(0, 3000)
        expect(
            at.page.get_by_text("Research use only. Not for diagnosis.").first
        ).to_be_in_viewport()

    seen: dict[str, list[str]] = {}
    at = desk(**PHONE, color_scheme="dark", reduced_motion="reduce")
    expect(at.page.locator(".thumbs img")).to_have_count(5)
    check("home")
    at.add(cells[:3])
    expect(at.cards).to_have_count(3)
    at.cards.nth(1).locator(".check").click()
    check("case")
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog).to_be_visible()
    seen["cell"] = violations(at)
    assert fits_sideways(at.dialog)
    at.page.keyboard.press("Escape")
    at.go("#/model")
    check("model")
    assert {view: found for view, found in seen.items() if found} == {}


# Twice the size on a screen of 1280 pixels leaves 640 of them, and 320 at four times. Text of the
# page is on average 0.42 em a character in Arial Narrow, 0.58 em in DejaVu Sans.
ENLARGED = [(640, 0.65), (375, 0.65), (320, None), (320, 0.4), (320, 0.65)]


def test_everything_still_fits_at_200_percent(desk: OpenDesk, cells: list[Path]) -> None:
    def enlarged() -> Iterator[None]:
        """In every width and font; the hardest is the last, and stays."""
        for width, font in ENLARGED:
            at.page.set_viewport_size({"width": width, "height": 512})
            use_font(at.page, font)
            yield

    at = desk(viewport={"width": 320, "height": 512})
    assert all(fits(at) for _ in enlarged())
    at.add(cells[:3])
    expect(at.cards).to_have_count(3)
    at.page.get_by_role("button", name="Filter").click()
    assert all(fits(at) for _ in enlarged())
    at.dismiss()  # on so small a screen they would lie over the cells
    at.cards.nth(0).locator(".open").click()
    at.dialog.get_by_role("checkbox", name="Heatmap").check()
    at.dialog.locator("summary", has_text="Reviewer").click()
    # A browser makes an empty field as wide as 20 characters of its font, in DejaVu Sans too wide.
    at.dialog.evaluate("one => one.querySelectorAll('input').forEach((field) => field.size = 40)")
    assert [fits_sideways(at.dialog) for _ in enlarged()] == [True] * len(ENLARGED)
    at.page.keyboard.press("?")
    assert [fits_sideways(at.dialog) for _ in enlarged()] == [True] * len(ENLARGED)
    at.page.keyboard.press("Escape")
    at.page.keyboard.press("Escape")
    at.page.get_by_role("link", name="Model").click()
    expect(at.page.locator("main:not([aria-busy]) h1")).to_have_text("Model tiny")
    assert all(fits(at) for _ in enlarged())


def test_targets_are_large_enough_to_hit(quick_case: Desk) -> None:
    at = quick_case
    at.page.get_by_role("button", name="Filter").click()
    small = at.page.evaluate(
        """() => [...document.querySelectorAll("button, a, select, input, summary")]
            .filter((one) => one.checkVisibility() && !one.closest(".skip"))
            .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)
            .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_the_theme_is_remembered(desk: OpenDesk) -> None:
    at = desk()
    body = "getComputedStyle(document.documentElement).backgroundColor"
    light = at.page.evaluate(body)
    at.page.get_by_label("Colors").select_option("dark")
    dark = at.page.evaluate(body)
    assert dark != light
    at.page.reload()
    assert at.page.evaluate(body) == dark
    expect(at.page.get_by_label("Colors")).to_have_value("dark")


def test_the_policy_holds_and_names_are_only_text(
    desk: OpenDesk, cells: list[Path], tmp_path: Path
) -> None:
    at = desk()
    refused: list[str] = []
    at.page.expose_function("refused", lambda directive: refused.append(directive))
    at.page.evaluate(
        "addEventListener('securitypolicyviolation', (event) => refused(event.violatedDirective))"
    )
    name = "<img src=x onerror=document.title='broken'>.bmp"
    (tmp_path / name).write_bytes(cells[0].read_bytes())
    at.add(tmp_path / name)
    expect(at.cards.locator(".open")).to_have_attribute("title", name)
    at.named("<b>bold</b>")
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog.get_by_role("heading", level=2)).to_have_text(name)
    at.page.keyboard.press("Escape")
    at.go("#/")
    expect(at.page.locator(".case-row-name").first).to_have_text("<b>bold</b>")
    assert at.page.title() == "Leukoscope"
    assert refused == []


def test_the_page_is_light() -> None:
    folder = resources.files("leukoscope.app") / "page"
    packed = [
        gzip.compress(one.read_bytes()) for one in Path(str(folder)).rglob("*") if one.is_file()
    ]
    assert 20_000 < sum(map(len, packed)) < 120_000
