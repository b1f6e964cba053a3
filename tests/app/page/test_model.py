"""The model view shows the metrics of the card in the words of the server's table."""

from pathlib import Path

from playwright.sync_api import expect

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from tests.app.live import Live, in_thread
from tests.app.page.access import fits
from tests.app.page.conftest import OpenDesk
from tests.inference.tiny_model import tiny_card, write_tiny_model


def test_metrics_have_the_titles_and_meanings_of_the_table(
    desk: OpenDesk, live_server: Live
) -> None:
    at = desk(live_server, "#/model")
    request = at.page.request
    results = request.get(f"{at.url}/v1/models").json()[0]["card"]["results"]
    metrics = request.get(f"{at.url}/v1/vocabulary").json()["metrics"]
    at.page.locator("summary").first.click()
    rows = at.page.locator("tbody th")
    expect(rows).to_have_count(len(results))
    expected = {m["title"] + m["meaning"] for m in metrics if m["key"] in results}
    assert set(rows.all_text_contents()) == expected
    headings = at.page.locator(".card-facts dt").all_text_contents()
    assert len(headings) > 5
    assert not any(heading.endswith(tuple(results)) for heading in headings)  # they are above


def test_the_model_of_a_new_case_is_chosen_in_the_app(
    desk: OpenDesk, tiny_file: Path, cells: list[Path], tmp_path: Path
) -> None:
    write_tiny_model(tmp_path / "other.onnx", card=tiny_card(name="other"), seed=3)
    settings = Settings(model=tiny_file, models=tmp_path, ephemeral=True, workers=1)
    with in_thread(create_app(settings)) as url:
        at = desk(Live(None, url), viewport={"width": 320, "height": 700})  # type: ignore[arg-type]
        at.page.get_by_label("Model of a new case").select_option(index=1)
        assert fits(at)
        at.add(cells[:2])
        expect(at.page.locator(".meta")).to_contain_text("model other")
        expect(at.page.locator(".note.warning")).to_have_count(0)
        at.go("#/model")
        at.page.locator(".model-view select").select_option(index=1)
        expect(at.page.locator("h1")).to_have_text("Model other")
        assert fits(at)
        at.page.goto("about:blank")  # the server waits for open connections as it ends
