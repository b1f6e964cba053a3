"""Who may talk to the server, and what a browser may do with its answers."""

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
import pytest
from starlette.datastructures import Headers

from leukoscope.app.http.security import authorized, cookie_for, host_name, is_cross_site
from leukoscope.app.routes import login
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.core.errors import RESEARCH_USE
from tests.app.live import PATIENCE, in_thread, until


@dataclass(frozen=True)
class Guarded:
    url: str
    log: io.StringIO

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **options)


TOKEN = "a-token-of-the-tests-é"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """A server with a token, and what it logs."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("leukoscope")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(login, "WRONG_SECONDS", 0)
        app = create_app(Settings(token=TOKEN, ephemeral=True))
        with in_thread(app) as url:
            yield Guarded(url, log)
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def bearer(token: str) -> dict[str, bytes]:
    return {"Authorization": b"Bearer " + token.encode()}


PATHS = ("/", "/static/style.css", "/healthz", "/v1/models", "/v1/cases", "/metrics", "/nothing")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(live_server, path):
    with live_server.client() as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "permissions-policy" in headers
    wanted = "no-cache" if path.startswith("/static") else "no-store"
    assert headers["cache-control"] == wanted or path == "/"
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"]
)
def test_own_names_are_answered(live_server, host):
    with live_server.client() as client:
        assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8000", "a@localhost", "10.0.0.1"],
)
def test_foreign_names_are_refused(live_server, host):
    with live_server.client() as client:
        answer = client.get("/v1/models", headers={"Host": host})
    assert answer.status_code == 403
    assert "localhost" in answer.json()["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["", "[", "a b", "@", ":80", "[::1"])
def test_a_host_that_is_none_has_no_name(host):
    assert host_name(host) in ("", "a b")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_sites_change_nothing(live_server, method, headers):
    with live_server.client() as client:
        answer = client.request(method, "/v1/cases", json={}, headers=headers)
    assert answer.status_code == 403
    assert "own page" in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "is_cross"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": ""}, True),
        ({"origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"}, False),
        ({"origin": "https://Cells.example", "host": "cells.example"}, False),
        ({"origin": "http://127.0.0.1:8001", "host": "127.0.0.1:8000"}, True),
        ({"origin": "", "host": "127.0.0.1:8000"}, True),
    ],
)
def test_requests_of_other_sites_are_recognized(headers, is_cross):
    assert is_cross_site(Headers(headers)) is is_cross


def test_the_own_page_may_change_things(live_server):
    with live_server.client() as client:
        answer = client.post("/v1/cases", json={}, headers={"Origin": live_server.url})
        assert answer.status_code == 201
        answer = client.post("/v1/cases", json={}, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 201


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/", "/healthz")])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}".encode()},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Cookie": "leukoscope=wrong"},
        {"Cookie": f"leukoscope={TOKEN}".encode()},
        {"Cookie": ";;;=;leukoscope"},
    ],
)
def test_without_the_token_there_is_nothing(guarded, path, headers):
    with guarded.client() as client:
        answer = client.get(path, headers=headers)
    if path == "/static/style.css":  # the login page needs it, and it tells nothing
        assert answer.status_code in (200, 404)
        return
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]
    assert answer.headers["www-authenticate"] == "Bearer"


def test_with_the_token_there_is_all(guarded):
    with guarded.client(headers=bearer(TOKEN)) as client:
        assert client.get("/v1/models").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.post("/v1/cases", json={}).status_code == 201
        assert client.get("/v1/models", params={"token": TOKEN}).status_code == 200


def test_the_document_says_that_a_token_is_needed(guarded, live_server):
    with guarded.client(headers=bearer(TOKEN)) as client:
        document = client.get("/openapi.json").json()
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    with live_server.client() as client:
        assert "security" not in client.get("/openapi.json").json()


def test_a_token_in_the_address_opens_nothing(guarded):
    with guarded.client() as client:
        assert client.get("/v1/models", params={"token": TOKEN}).status_code == 401


def test_with_a_token_the_name_of_a_proxy_is_good(guarded):
    with guarded.client(headers=bearer(TOKEN)) as client:
        assert client.get("/v1/models", headers={"Host": "cells.example"}).status_code == 200


def test_life_needs_no_token(guarded):
    with guarded.client() as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 401


class Scripts(HTMLParser):
    """Counts what a page would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ("script", "iframe", "object", "style") else []
        self.found += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def test_a_browser_logs_in_with_the_form(guarded):
    with guarded.client() as client:
        start = client.get("/")
        assert (start.status_code, start.headers["location"]) == (303, "/login")
        form = client.get("/login")
        assert RESEARCH_USE in form.text
        scripts = Scripts()
        scripts.feed(form.text)
        assert scripts.found == []
        answer = client.post("/login", data={"token": TOKEN}, headers={"Origin": guarded.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert TOKEN not in cookie
        assert client.get("/v1/models").status_code == 200
        assert client.post("/v1/cases", json={}).status_code == 201


def test_behind_https_the_cookie_is_secure(guarded):
    with guarded.client(headers={"X-Forwarded-Proto": "https"}) as client:
        cookie = client.post("/login", data={"token": TOKEN}).headers["set-cookie"]
    assert "Secure" in cookie


@pytest.mark.parametrize(
    "body", [b"token=wrong", b"", b"token", b"\xff\xfe", b"token=" + b"x" * 5_000, b"a&" * 2_000]
)
def test_a_wrong_login_gives_no_cookie(guarded, body):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with guarded.client() as client:
        answer = client.post("/login", content=body, headers=headers)
    assert answer.status_code in (400, 401, 413)
    assert "set-cookie" not in answer.headers


def test_another_site_cannot_log_in(guarded):
    with guarded.client() as client:
        answer = client.post(
            "/login", data={"token": TOKEN}, headers={"Origin": "http://evil.example"}
        )
    assert answer.status_code == 403


def test_without_a_token_there_is_no_login(live_server):
    with live_server.client() as client:
        for answer in (client.get("/login"), client.post("/login", data={"token": "x"})):
            assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_token_is_in_no_log(guarded):
    with guarded.client(headers=bearer(TOKEN)) as client:
        client.get("/v1/models", params={"token": TOKEN})
        client.post("/login", data={"token": TOKEN})
    until(lambda: "/login" in guarded.log.getvalue())  # an answer may come before its line
    log = guarded.log.getvalue()
    assert "/v1/models" in log
    assert TOKEN not in log
    assert cookie_for(TOKEN) not in log


def test_a_cookie_of_another_token_is_none():
    headers = Headers({"cookie": f"leukoscope={cookie_for('one')}"})
    assert authorized(headers, "one")
    assert not authorized(headers, "two")


def test_errors_are_problems_with_their_status(live_server):
    with live_server.client() as client:
        for method, path, status in (
            ("GET", "/nothing/here", 404),
            ("GET", "/static/../server.py", 404),
            ("GET", "/static/%2e%2e%2fserver.py", 404),
            ("GET", "/static/__init__.py", 404),
            ("PUT", "/v1/predict", 405),
            ("POST", "/healthz", 405),
            ("BREW", "/v1/predict", 405),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, list(answer.json())) == (status, ["error"]), path
        assert client.put("/v1/predict").headers["allow"] == "POST"
