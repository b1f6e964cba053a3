"""The model view shows the metrics of the card in the words of the server's table."""

from playwright.sync_api import expect

from tests.app.live import Live
from tests.app.page.conftest import OpenDesk


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
