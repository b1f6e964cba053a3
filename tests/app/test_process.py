"""The server as a process: what it writes, how it ends, and why it does not start."""

import json
import signal
import socket
import subprocess
import sys

import httpx
import pytest

import leukoscope as ls
from leukoscope.app.process import bind
from leukoscope.app.store import StoreError
from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError
from tests.app.conftest import clean_environment
from tests.app.forms import TYPE, files
from tests.app.http.test_connections import clients
from tests.app.live import PATIENCE, running, until
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

pytestmark = pytest.mark.slow(9)

GOOD = encode(cell_image(), "PNG")
STREAM = {"Accept": "application/x-ndjson"}


def test_the_log_has_no_file_names_unless_asked_and_ctrl_c_is_a_good_end(live_server, start_server):
    named = start_server("--ephemeral", "--log-names")
    for live in (live_server, named):
        with live.client() as client:
            client.post("/v1/predict?include=features", files={"f": ("Jane Doe.png", GOOD)})
        until(lambda live=live: "POST /v1/predict 200" in live.text())
        assert "include" not in live.text()
    assert "Jane" not in live_server.text()
    named.process.send_signal(signal.SIGINT)
    assert named.process.wait(PATIENCE) == 0
    where, ready, request = named.text().splitlines()
    assert RESEARCH_USE in where
    assert ready == "Ready."
    assert "1 images" in request
    assert request.endswith("Jane Doe.png")


def test_what_is_begun_is_finished_when_the_server_is_ended(start_server, drawn_cells):
    live = start_server("--ephemeral", "--workers", "1")
    sent = {path.name: path.read_bytes() for path in sorted(drawn_cells.rglob("*.bmp"))}
    body = files(sent)
    headers = {"Content-Type": TYPE, **STREAM}
    with live.client() as client, client.stream(
        "POST", "/v1/predict", content=body, headers=headers
    ) as answer:  # fmt: skip
        lines = answer.iter_lines()
        first = json.loads(next(lines))
        live.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(live.url))
        rest = [json.loads(line) for line in lines]
    assert first["name"] == next(iter(sent))
    assert rest[-1].items() >= {"done": True, "answers": len(sent), "failed": 1}.items()
    assert live.process.wait(PATIENCE) == 0
    assert "Traceback" not in live.text()


def refuses(url: str) -> bool:
    """Whether the server takes no more connections, or no more work."""
    try:
        return httpx.get(f"{url}/readyz", timeout=PATIENCE, trust_env=False).status_code == 503
    except httpx.TransportError:
        return True


def test_a_server_that_cannot_start_says_why_in_one_line(live_server):
    port = live_server.url.split(":")[-1]
    command = [sys.executable, "-m", "leukoscope", "serve", "--no-open", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"leukoscope: port {port}")
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "LEUKOSCOPE_TOKEN="),
        ({"host": "0.0.0.0", "token": "short"}, "16 characters"),
        ({"host": "::", "token": "short"}, "16 characters"),
        ({"host": "192.0.2.1", "token": "x" * 16}, "--host"),
        ({"host": "no.such.name.invalid", "token": "x" * 16}, "--host"),
        ({"model": "none.onnx"}, "does not exist"),
    ],
)
def test_why_a_server_cannot_start(monkeypatch, options, words):
    monkeypatch.delenv("LEUKOSCOPE_TOKEN", raising=False)
    with pytest.raises(LeukoscopeError, match=words) as raised:
        ls.serve(**{"port": 0, "ephemeral": True, **options})
    assert "\n" not in str(raised.value)


def test_a_database_that_is_none_ends_the_server(tmp_path):
    with pytest.raises(StoreError, match=tmp_path.name):
        ls.serve(port=0, database=f"sqlite:///{tmp_path}")


def test_a_server_with_few_descriptors_keeps_some_for_others(tmp_path):
    pytest.importorskip("resource")
    env = clean_environment(tmp_path)
    with running("--ephemeral", env=env, files=180) as live, clients(live.url, 250):
        with live.client() as client:
            assert client.get("/healthz").status_code == 200
        assert "Too many open files" not in live.text()


def test_small_answers_are_sent_at_once() -> None:
    with bind("127.0.0.1", 0) as listener, socket.socket() as client:
        listener.setblocking(True)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            # asyncio sets TCP_NODELAY on sockets that say they are TCP; without it each small
            # answer waits 40 ms for the acknowledgement of the one before.
            assert accepted.proto == socket.IPPROTO_TCP
