"""`leukoscope app` opens the server that runs, or starts one."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from leukoscope.app.launch import running_at
from leukoscope.cli import serve as module
from leukoscope.cli.main import app
from tests.ports import free_port


class Other(BaseHTTPRequestHandler):
    """Another program, which answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_a_server_of_leukoscope_is_found(small_server: Callable[..., str], other: int) -> None:
    url = small_server()
    assert running_at(int(url.rpartition(":")[2])) == url
    assert running_at(other) is None
    assert running_at(free_port()) is None


@pytest.mark.parametrize(("taken", "port"), [(False, None), (True, 0)])
def test_the_app_opens_in_a_browser(
    monkeypatch: pytest.MonkeyPatch, other: int, taken: bool, port: int | None
) -> None:
    wanted = other if taken else free_port()
    served: list[dict[str, object]] = []
    monkeypatch.setattr(module.ls, "serve", lambda *_, **options: served.append(options))
    assert CliRunner().invoke(app, ["app", "--port", str(wanted)]).exit_code == 0
    (options,) = served
    assert options["open_browser"] is True
    # Another program has the port: any free one.
    assert options["port"] == (wanted if port is None else port)


def test_a_running_app_is_only_opened(
    monkeypatch: pytest.MonkeyPatch, small_server: Callable[..., str]
) -> None:
    url = small_server()
    opened: list[str] = []
    monkeypatch.setattr(module.webbrowser, "open", opened.append)
    monkeypatch.setattr(module.ls, "serve", lambda *_, **__: pytest.fail("a second server"))
    assert CliRunner().invoke(app, ["app", "--port", url.rpartition(":")[2]]).exit_code == 0
    assert opened == [url]
