"""The page shows a map for a model that has none of its own, and says what it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests import forked
from tests.app.conftest import clean_environment
from tests.app.live import Live, running
from tests.app.page.access import fits_sideways
from tests.app.page.conftest import OpenDesk
from tests.app.page.test_upload import zipped
from tests.inference.planted import write_planted

pytestmark = pytest.mark.slow(20)

PAINTED = """one => {
    const {width, height} = one;
    const {data} = one.getContext('2d').getImageData(0, 0, width, height);
    const places = [];
    for (let at = 0; at < width * height; at++)
        if (data[4 * at + 3]) places.push([Math.floor(at / width), at % width]);
    return {width, places};
}"""
WHERE_IT_LOOKS = [[5, 6], [5, 7], [6, 6], [6, 7]]


@pytest.fixture(scope="module")
def mapless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("mapless")
    model = write_planted(home / "planted.onnx")
    with running(
        str(model), "--ephemeral", env=clean_environment(home), start=forked.start
    ) as live:
        yield live


def test_a_map_is_made_when_it_is_looked_at(
    desk: OpenDesk, mapless: Live, cells: list[Path]
) -> None:
    at = desk(mapless)
    asked: list[str] = []

    def count(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    at.page.route("**/v1/explain*", count)
    at.add(cells[:2])
    at.cards.nth(0).locator(".open").click()
    box = at.dialog
    expect(box.locator(".facts").first).to_contain_text("Area")
    assert not asked
    box.get_by_label("Heatmap", exact=False).first.check()
    expect(box.locator(".heat-kind")).to_have_attribute("data-kind", "occlusion")
    assert fits_sideways(box)
    painted = box.locator("canvas").evaluate(PAINTED)
    assert painted["width"] == 12
    assert painted["places"] == WHERE_IT_LOOKS
    at.page.keyboard.press("ArrowRight")
    expect(box.locator(".place")).to_have_text("2 of 2")
    expect(box.locator(".heat-kind")).to_have_attribute("data-kind", "occlusion")
    at.page.keyboard.press("ArrowLeft")
    expect(box.locator(".heat-kind")).to_have_attribute("data-kind", "occlusion")
    assert len(asked) == 2  # a map that was made stays


def test_all_maps_of_the_grid_are_made(desk: OpenDesk, mapless: Live, cells: list[Path]) -> None:
    at = desk(mapless)
    at.add(cells[2:5])
    at.page.locator('.view-options input[value="all"]').check()
    for number in range(3):
        expect(at.cards.nth(number).locator("canvas")).to_have_attribute("width", "12")


def test_without_the_image_the_page_says_why_there_is_no_map(
    desk: OpenDesk, mapless: Live, cells: list[Path], tmp_path: Path
) -> None:
    at = desk(mapless)
    at.add([zipped(cells[:1], tmp_path / "one.zip")])
    at.cards.nth(0).locator(".open").click()
    at.page.keyboard.press("h")
    expect(at.dialog.locator(".heat-kind")).to_have_attribute("data-kind", "missing")


def test_an_exact_map_is_called_exact(desk: OpenDesk, cells: list[Path]) -> None:
    at = desk()
    at.add(cells[:1])
    at.cards.nth(0).locator(".open").click()
    expect(at.dialog.locator(".heat-kind")).to_be_hidden()
    at.page.keyboard.press("h")
    expect(at.dialog.locator(".heat-kind")).to_have_attribute("data-kind", "exact")
