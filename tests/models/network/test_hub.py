"""Against servers of this machine that answer as the hub does, badly, or not at all."""

import hashlib
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from leukoscope.core.errors import DownloadError
from leukoscope.models.network import hub

REPOSITORY, FILE = "someone/cells", "model.safetensors"
CONTENT = b"weights " * 100
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)


class Hub(BaseHTTPRequestHandler):
    """Has one file."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(CONTENT)

    def answer(self, body: bytes) -> None:
        self.asked.append(f"{self.command} {self.path}")
        known = self.path == f"/{REPOSITORY}/resolve/main/{FILE}"
        self.send_response(200 if known or self.path == "/" else 404)
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(CONTENT) if known else 0))
        self.end_headers()
        self.wfile.write(body if known else b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub with one file; what it was asked for."""
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    yield Hub.asked
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(asked: list[str]) -> None:
    assert hub.download(REPOSITORY, FILE).read_bytes() == CONTENT
    assert asked
    asked.clear()
    assert hub.download(REPOSITORY, FILE).read_bytes() == CONTENT
    assert not asked


def test_a_file_that_the_hub_has_not_is_said(asked: list[str]) -> None:
    with pytest.raises(
        DownloadError, match=r"other\.safetensors cannot be downloaded .*--weights"
    ) as e:
        hub.download(REPOSITORY, "other.safetensors")
    assert "\n" not in str(e.value)


def refused() -> str:
    with pytest.raises(DownloadError, match=r"cannot be reached.*--weights PATH") as error:
        hub.download(REPOSITORY, FILE)
    return str(error.value)


def test_no_hub_is_said_without_trying_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of the hub must not come to its five tries."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed}")
    asked: list[bool] = []
    real = hub._responds
    monkeypatch.setattr(hub, "_responds", lambda url: asked.append(real(url)) or asked[-1])
    assert "\n" not in refused()
    assert asked == [False]


def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub, "PATIENCE", 0.2)
        refused()


def test_who_forbids_the_network_is_obeyed(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused()
    assert not asked
