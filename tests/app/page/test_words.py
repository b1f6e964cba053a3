"""Words of the page that say on whom something was set."""

import pytest
from playwright.sync_api import Browser

from tests.app.live import Live
from tests.app.page.driver import PATIENCE


@pytest.mark.parametrize(
    ("part", "persons", "words"),
    [
        ("validation", 3, "3 validation persons"),
        ("validation", 1, "1 validation person"),
        ("cross-validation", 31, "31 persons left out in turn"),
    ],
)
def test_on_whom(browser: Browser, quick_server: Live, part: str, persons: int, words: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(quick_server.url)
    said = page.evaluate(
        "async (set) => (await import('/static/lib/format.js')).describePersons(set)",
        {"part": part, "persons": persons},
    )
    page.close()
    assert said == words
