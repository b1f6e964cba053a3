"""Each view and state on four screens, in both themes, in a narrow and a wide font.

All states are opened on one page with one case.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.data.synthetic.field import FieldParams, draw_field
from tests.app.live import in_thread
from tests.app.page.driver import Desk
from tests.app.page.layout import faults
from tests.app.page.states import STATES, cell
from tests.app.page.test_answers import of_subject
from tests.inference.bad_images import encode
from tests.inference.tiny_model import tiny_card, write_tiny_model

pytestmark = pytest.mark.slow(25)

LOW = {"width": 320, "height": 480}


@pytest.fixture(scope="module")
def server(cautious_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with two models, the first of which abstains."""
    models = tmp_path_factory.mktemp("models")
    write_tiny_model(models / "other.onnx", card=tiny_card(name="other"), seed=3)
    settings = Settings(model=cautious_file, models=models, ephemeral=True, workers=1)
    with in_thread(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="module")
def opened(
    shared_context: BrowserContext,
    server: str,
    cells: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    """A page with a case of more than four subjects, a picture of a smear, and a broken file."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "a file that is not an image, with a long name.png").write_bytes(b"junk")
    params = FieldParams(
        height=330, width=430, um_per_px=0.16, cells=2, pairs=0, red_cells=6, neutrophils=1
    )
    slide = draw_field(np.random.default_rng(0), params).image
    (folder / "slide.png").write_bytes(encode(slide, "PNG"))
    page: Page = shared_context.new_page()
    at = Desk(page, server)
    page.request.post(f"{server}/v1/cases", data={"name": "Another case, of a long name"})
    at.go()
    chosen = [*of_subject(cells, 0)[:5], *of_subject(cells, 1, 2, 3, 4)[::20]]
    at.add([*chosen, *sorted(folder.iterdir())])
    expect(at.cards).to_have_count(len(chosen) + 2)
    at.cards.nth(1).locator(".open").focus()
    page.keyboard.press("n")
    expect(at.page.locator(".mark:not(:empty)")).to_have_count(1)
    yield at
    at.forget()
    page.close()
    assert not at.problems, at.problems


@pytest.fixture(scope="module")
def many(opened: Desk) -> str:
    """The id of the case."""
    return opened.case


@pytest.fixture
def at(opened: Desk, many: str) -> Desk:
    """The page on a small and low screen with the case open, as if nothing had been done in it."""
    opened.page.unroute_all()
    opened.page.evaluate(
        """async () => {
            (await import("/static/server/api.js")).connection.emit("up");
            (await import("/static/upload/dropzone.js")).queue.cancel();
        }"""
    )
    expect(opened.page.locator(".banner, .progress").filter(visible=True)).to_have_count(0)
    opened.dismiss()
    opened.page.set_viewport_size(LOW)
    opened.go("#/model")
    opened.go(f"#/case/{many}")
    opened.page.get_by_label("Review blind").uncheck()
    everything = opened.page.get_by_role("button", name="Show all").first
    if everything.is_visible():
        everything.click()
    opened.page.locator(".card .open").first.wait_for()
    return opened


def one_subject(at: Desk, cells: list[Path]) -> None:
    """A case whose images the page does not have."""
    post = at.page.request.post
    case = post(f"{at.url}/v1/cases", data={"name": "One subject"}).json()["id"]
    for path in cells:
        post(f"{at.url}/v1/predict?case={case}", multipart={"files": path})
    at.go(f"#/case/{case}")
    expect(at.page.locator(".silhouette")).to_have_count(len(cells))
    expect(at.page.locator(".strip-subject").first).to_be_visible()


@pytest.mark.parametrize("state", STATES)
def test_everything_is_whole_and_within_reach(at: Desk, state: str) -> None:
    STATES[state](at)
    check(at)


def test_a_case_without_its_images_is_whole_too(at: Desk, cells: list[Path]) -> None:
    one_subject(at, of_subject(cells, 0)[:6])
    check(at)
    cell(at)
    expect(at.dialog.locator(".review .note")).to_contain_text("not shown")
    check(at)


def test_the_tables_of_a_report_are_whole_and_scroll_by_the_keyboard(at: Desk) -> None:
    report = at.page.request.get(f"{at.url}/v1/cases/{at.case}/export?format=html&images=false")
    page = at.page.context.new_page()
    page.set_content(report.text())
    assert faults(Desk(page, at.url)) == []
    wide = page.locator(".scroll:has(code)")  # hashes of files
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(one) => one.scrollLeft > 0", arg=wide.element_handle())
    page.close()


def check(at: Desk) -> None:
    if at.page.locator("dialog[open]").count():
        assert at.dialog.locator(".dialog-content").evaluate("(one) => one.scrollTop") == 0
        expect(at.dialog.get_by_role("heading", level=2)).to_be_in_viewport()
    assert faults(at) == []


def test_the_keyboard_opens_every_dialog_and_gets_the_focus_back(at: Desk) -> None:
    keys = at.page.keyboard
    at.cards.nth(0).locator(".check").click()
    for name in ("Find cells", "Set subject…", "Review…", "Remove…"):
        button = at.page.get_by_role("button", name=name, exact=True)
        button.focus()
        keys.press("Enter")
        expect(at.dialog).to_be_visible()
        assert at.dialog.evaluate("(one) => one.contains(document.activeElement)"), name
        keys.press("Escape")
        expect(at.page.locator("dialog")).to_have_count(0)
        expect(button).to_be_focused()
    for name in ("Export", "More"):
        button = at.page.locator(".menu summary", has_text=name)
        button.focus()
        keys.press("Enter")
        keys.press("Tab")
        expect(at.page.locator(".menu[open] li > *").first).to_be_focused()
        keys.press("Escape")
        expect(at.page.locator(".menu[open]")).to_have_count(0)
        expect(button).to_be_focused()


def test_nothing_moves_where_less_motion_is_wanted(at: Desk) -> None:
    moving = "document.getAnimations().length"
    card = at.cards.nth(0)
    at.page.mouse.move(0, 0)
    at.page.emulate_media(reduced_motion="no-preference")
    card.hover()
    at.wait_for(lambda: at.page.evaluate(moving) > 0)
    at.page.emulate_media(reduced_motion="reduce")
    at.page.mouse.move(0, 0)
    card.hover()
    assert at.page.evaluate(moving) == 0
    expect(card.locator("canvas")).to_have_css("opacity", "0.55")
