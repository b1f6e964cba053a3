"""HEAD and Allow on every path, and JSON bodies as the standards say, over real HTTP."""

import base64

import pytest

from tests.app.live import until
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

PATHS = (
    "/", "/login", "/static/style.css", "/static/app.js", "/v1/models", "/v1/cases", "/v1/examples",
    "/v1/vocabulary", "/openapi.json", "/healthz", "/readyz", "/nothing", "/static/none",
    "/v1/cases/x",
)  # fmt: skip
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_content(live_server, path):
    with live_server.client() as client:
        get, head = client.get(path), client.head(path)
        assert client.get("/healthz").status_code == 200  # the connection is still in step
    assert (head.status_code, head.content) == (get.status_code, b"")
    changing = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


def test_a_head_request_is_logged_with_its_route(live_server):
    with live_server.client() as client:
        client.head("/v1/cases/some-secret-id")
    until(lambda: "HEAD /v1/cases/{case_id} 404" in live_server.text())
    assert "some-secret-id" not in live_server.text()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/cases", "GET, HEAD, POST"),
        ("POST", "/v1/cases/x", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/v1/predict", "POST"),
        ("HEAD", "/v1/predict", "POST"),
        ("DELETE", "/", "GET, HEAD"),
        ("POST", "/static/style.css", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
    ],
)
def test_a_refused_method_is_told_all_that_are_possible(live_server, method, path, allowed):
    with live_server.client() as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a", "name": "b"}',
        b'{"name": "a", "keep_images": NaN}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        '{"name": "a"}'.encode("utf-16"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/cases", "/v1/predict"])
def test_ambiguous_json_is_refused(live_server, path, body):
    with live_server.client() as client:
        answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["error"]


def test_a_byte_order_mark_is_ignored(live_server):
    data = base64.urlsafe_b64encode(encode(cell_image(), "PNG")).decode()
    predict = f'\ufeff{{"images": [{{"data": "data:image/png;base64,{data}"}}]}}'.encode()
    with live_server.client() as client:
        case = client.post("/v1/cases", content='\ufeff{"name": "ü"}'.encode(), headers=JSON)
        answer = client.post("/v1/predict", content=predict, headers=JSON)
    assert (case.status_code, case.json()["name"]) == (201, "ü")
    assert answer.json()["failed"] == 0
