"""A picture of a smear on the page: its cells are shown, chosen and added to the case."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Route, expect

from leukoscope.data.smear.field import cells_of_field
from leukoscope.data.synthetic.field import FieldParams, draw_field
from tests.app.page.conftest import OpenDesk
from tests.inference.bad_images import encode

pytestmark = pytest.mark.slow(8)

SCALE = 0.16


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two fields, whose files state no scale."""
    folder = tmp_path_factory.mktemp("fields")
    for number in range(2):
        params = FieldParams(
            height=330, width=430, um_per_px=SCALE, cells=3, pairs=0, red_cells=8, neutrophils=1
        )
        image = draw_field(np.random.default_rng(number), params).image
        (folder / f"slide {number}.png").write_bytes(encode(image, "PNG"))
    return sorted(folder.iterdir())


@pytest.mark.parametrize("width", [320, 1440])
def test_cells_of_fields_are_chosen_and_added_and_the_scale_is_asked_once(
    desk: OpenDesk, fields: list[Path], width: int
) -> None:
    at = desk(viewport={"width": width, "height": 800})
    at.add(fields)
    expect(at.cards).to_have_count(2)
    at.page.get_by_role("button", name="Find cells").click()
    add = at.dialog.locator(".buttons .primary")
    expect(add).to_be_disabled()
    scale = at.dialog.get_by_label("Scale, µm per pixel")
    scale.fill("9")
    at.dialog.get_by_role("button", name="Confirm", exact=True).click()
    expect(scale).to_have_attribute("aria-invalid", "true")
    scale.fill("0,16")
    at.dialog.get_by_role("button", name="Confirm", exact=True).click()
    expect(scale).to_have_count(0)
    chosen = at.dialog.locator(".field-cells input:checked")
    image = draw_image(fields[0])
    whole = [cell for cell in cells_of_field(image, SCALE) if cell.image is not None]
    expect(chosen).to_have_count(len(whole))
    wide = at.dialog.evaluate("one => one.scrollWidth - one.clientWidth")
    assert wide <= 0
    # A click on an outline and one on its box do the same.
    at.dialog.locator("polygon[data-on]").first.click()
    expect(chosen).to_have_count(len(whole) - 1)
    add.click()
    # The second picture has the scale of the first.
    expect(at.dialog.locator(".field-cells input:checked")).not_to_have_count(0)
    expect(at.dialog.get_by_label("Scale, µm per pixel")).to_have_count(0)
    at.dialog.get_by_role("button", name="Skip this picture").click()
    expect(at.dialog).to_have_count(0)
    expect(at.cards).to_have_count(2 + len(whole) - 1)
    expect(at.page.locator(".fields-note")).to_contain_text("1 picture is")
    kept = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()["cells"]
    assert sum("slide 0_" in cell["name"] for cell in kept) == len(whole) - 1, kept


def test_closing_ends_the_request_and_adds_nothing(desk: OpenDesk, fields: list[Path]) -> None:
    at = desk()
    at.add(fields)
    expect(at.cards).to_have_count(2)
    held: list[Route] = []
    at.page.route("**/v1/fields/cells**", lambda route: held.append(route))
    at.page.get_by_role("button", name="Find cells").click()
    at.dialog.get_by_role("button", name="Continue without a scale").click()
    place = at.dialog.locator("[aria-live]").first
    expect(place).to_contain_text("Choose the cells")
    at.dialog.locator(".buttons .primary").click()
    expect(at.dialog.get_by_role("button", name="Skip this picture")).to_be_disabled()
    at.page.route("**/v1/fields?**", lambda route: held.append(route))
    with at.page.expect_event("requestfailed"):
        at.page.keyboard.press("Escape")
    expect(at.dialog).to_have_count(0)
    at.page.get_by_role("button", name="Find cells").click()
    expect(place).to_contain_text("Picture 1 of 2")  # both pictures are still offered
    at.wait_for(lambda: len(held) == 2)
    with at.page.expect_event("requestfailed"):
        at.page.keyboard.press("Escape")
    expect(at.dialog).to_have_count(0)
    expect(at.cards).to_have_count(2)


def draw_image(path: Path) -> np.ndarray:
    from leukoscope.data.imaging.image import decode

    return decode(path)
