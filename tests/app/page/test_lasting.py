"""What outlives a reload, a server restart, and a server that is gone for a while."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from tests.app.live import Inside, Live
from tests.app.page.conftest import OpenDesk
from tests.inference.tiny_model import tiny_card, write_tiny_model
from tests.ports import free_port
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.slow(25)

Start = Callable[..., Inside]


@pytest.fixture
def start_inside(tmp_path: Path) -> Iterator[Start]:
    """Start ready servers in threads, faster than in processes, with cases in one database."""
    with ExitStack() as stack:

        def start(
            model: Path, database: str = f"sqlite:///{tmp_path}/c.sqlite3", **more: int
        ) -> Inside:
            settings = Settings(model=model, database=database, workers=1)
            inside = Inside(create_app(settings), **more)
            stack.callback(inside.stop)
            inside.wait_ready()
            return inside

        yield start


def test_a_case_outlives_a_restart_and_shows_its_pictures_when_dropped_again(
    desk: OpenDesk, start_inside: Start, tiny_file: Path, cells: list[Path]
) -> None:
    check_restart(desk, lambda: start_inside(tiny_file), cells)


def test_the_same_with_postgresql(
    desk: OpenDesk,
    start_inside: Start,
    tiny_file: Path,
    cells: list[Path],
    postgresql: PostgreSQL,
) -> None:
    url = postgresql.new_database()
    check_restart(desk, lambda: start_inside(tiny_file, url), cells)


def test_the_page_says_what_is_kept(desk: OpenDesk, quick_server: Live, live_server: Live) -> None:
    expect(desk(quick_server).page.locator("#keep-words")).to_contain_text("on this computer")
    expect(desk(live_server).page.locator("#keep-words")).to_contain_text("Nothing")


def check_restart(desk: OpenDesk, start: Callable[[], Inside], cells: list[Path]) -> None:
    server = start()
    at = desk(server)
    at.add(cells[:5])
    expect(at.cards).to_have_count(5)
    at.page.get_by_label("Notes on this case").fill("kept")
    expect(at.page.locator(".state-line span")).to_have_text("Saved")
    at.cards.nth(1).locator(".open").focus()
    at.page.keyboard.press("x")
    expect(at.cards.nth(1).locator(".mark")).not_to_be_empty()
    words = at.cards.locator(".verdict").all_inner_texts()
    case = at.case
    server.stop()

    again = desk(start(), f"#/case/{case}")
    expect(again.cards).to_have_count(5)
    assert again.cards.locator(".verdict").all_inner_texts() == words
    expect(again.page.get_by_label("Notes on this case")).to_have_value("kept")
    expect(again.cards.nth(1).locator(".mark")).not_to_be_empty()
    # The images were not kept: silhouettes, until the same files come again.
    expect(again.page.locator(".silhouette")).to_have_count(5)
    expect(again.page.locator(".main-column .note")).to_be_visible()
    again.add(cells[:5])
    expect(again.page.locator(".card img")).to_have_count(5)
    expect(again.cards).to_have_count(5)
    expect(again.page.locator(".main-column .note")).to_have_count(0)
    expect(again.cards.nth(1).locator(".mark")).not_to_be_empty()
    again.go("#/")
    expect(again.page.locator(".case-list")).to_contain_text("5 cells")
    expect(again.page.locator(".case-list")).to_contain_text("1 reviewed")


def test_a_server_that_stops_is_noticed_and_waited_for(
    desk: OpenDesk, start_inside: Start, tiny_file: Path, cells: list[Path]
) -> None:
    port = free_port()
    server = start_inside(tiny_file, port=port)
    at = desk(server)
    at.add(cells[:2])
    expect(at.cards).to_have_count(2)
    server.stop()
    at.page.locator("input[type=file]").first.set_input_files(cells[2:6])
    expect(at.page.locator(".banner")).to_be_visible()
    expect(at.page.locator(".progress")).to_contain_text("4 files")
    retry = at.page.locator(".progress button", has_text="Retry")
    expect(retry).to_be_visible()
    start_inside(tiny_file, port=port)
    retry.dispatch_event("click")  # no click, for the page may just have found out by itself
    expect(at.cards).to_have_count(6)
    expect(at.page.locator(".banner")).to_be_hidden()
    at.problems.clear()  # the browser's own words about a server that was gone


def test_going_away_and_back_keeps_pictures_and_filters(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()
    at.add(cells[:4])
    expect(at.cards).to_have_count(4)
    at.chip("blast").or_(at.chip("normal")).first.click()
    shown = at.cards.count()
    at.page.get_by_role("link", name="Model").click()
    expect(at.page.locator("h1")).to_have_text("Model tiny")
    at.page.go_back()
    expect(at.cards).to_have_count(shown)
    expect(at.page.locator(".card img")).to_have_count(shown)


def test_a_case_of_another_model_can_be_read_but_not_added_to(
    desk: OpenDesk, start_inside: Start, tiny_file: Path, cells: list[Path], tmp_path: Path
) -> None:
    server = start_inside(tiny_file)
    at = desk(server)
    at.add(cells[:2])
    case = at.case
    server.stop()
    renamed = write_tiny_model(tmp_path / "other.onnx", card=tiny_card(name="other"))
    other = desk(start_inside(renamed), f"#/case/{case}")
    expect(other.cards).to_have_count(2)
    expect(other.page.locator(".note.warning")).to_contain_text("(other)")
    other.page.locator("input[type=file]").first.set_input_files(cells[3:5])
    expect(other.page.locator(".toast.problem")).to_contain_text("2 files")
    expect(other.cards).to_have_count(2)
