"""The page and its files over HTTP: cached, compressed, and with the headers of every answer."""

import pytest

from leukoscope.app.http.headers import HEADERS
from tests.app.live import Live

FILES = ("/", "/static/app.js", "/static/lib/dom.js", "/static/style.css")
POLICY = "Content-Security-Policy"


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_fetched_once_and_revalidated(live_server: Live, path: str) -> None:
    with live_server.client() as client:
        first = client.get(path)
        assert first.status_code == 200
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for response in (first, again):
            assert response.headers[POLICY] == HEADERS[POLICY]
            assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", FILES)
def test_head_is_get_without_the_body(live_server: Live, path: str) -> None:
    with live_server.client(headers={"Accept-Encoding": "identity"}) as client:
        got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert head.headers[name] == got.headers[name]


def test_media_types(live_server: Live) -> None:
    with live_server.client() as client:
        types = {path: client.head(path).headers["content-type"].split(";")[0] for path in FILES}
    assert types == {
        "/": "text/html",
        "/static/app.js": "text/javascript",
        "/static/lib/dom.js": "text/javascript",
        "/static/style.css": "text/css",
    }


def test_one_tag_serves_the_plain_and_the_compressed_form(live_server: Live) -> None:
    with live_server.client() as client:
        packed = client.get("/static/app.js")
        plain = client.get("/static/app.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert plain.headers["etag"] == packed.headers["etag"]
    assert packed.headers["etag"].startswith("W/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/static/none.js", 404),
        ("HEAD", "/static/none.js", 404),
        ("GET", "/static/", 404),
        ("GET", "/static/lib", 404),
        ("GET", "/static/lib/dom.js%00", 404),
        ("GET", "/static/%2e%2e/server.py", 404),
        ("POST", "/static/app.js", 405),
        ("POST", "/", 405),
    ],
)
def test_what_is_not_there_is_a_problem(
    live_server: Live, method: str, path: str, status: int
) -> None:
    with live_server.client() as client:
        response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers[POLICY] == HEADERS[POLICY]
    if method != "HEAD":
        assert set(response.json()) == {"error"}


def test_files_are_counted_under_one_name(live_server: Live) -> None:
    with live_server.client() as client:
        client.get("/static/lib/dom.js")
        metrics = client.get("/metrics").text
    assert 'route="/static"' in metrics
    assert "dom.js" not in metrics
