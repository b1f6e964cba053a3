"""Bounds at work: bodies too large or too slow, a full queue, clients that leave, failures."""

import json
import socket
import threading
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat

import httpx
import pytest
from fastapi import FastAPI

from leukoscope.inference.predictor import BATCH_SIZE
from tests.app.forms import TYPE, files, part
from tests.app.live import PATIENCE, Held, metric, until
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

pytestmark = pytest.mark.slow(3)

GOOD = encode(cell_image(), "PNG")
STREAM = {"Accept": "application/x-ndjson"}


def post(url: str, **options: object) -> httpx.Response:
    return httpx.post(url, timeout=PATIENCE, trust_env=False, **options)


def test_a_slow_body_is_cut(small_server):
    host, port = small_server(body_seconds=0.2).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\n"
        client.sendall(f"{head}Content-Length: 1000\r\n\r\n--".encode())
        assert client.recv(1_000).startswith(b"HTTP/1.1 408 ")


def test_who_sends_too_much_still_reads_why(small_server):
    """Also a client that sends all before it reads, whom a closed connection would cut off."""
    url = small_server(request_bytes=100_000)
    answer = post(f"{url}/v1/predict", files={"f": bytes(30_000_000)})
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]
    unread = post(f"{url}/nothing", content=bytes(900_000))
    assert unread.status_code == 404
    notes = post(f"{url}/v1/cases", content=bytes(30_000_000))
    assert notes.status_code == 413


def test_a_body_without_a_length_is_bounded_too(small_server):
    """The body is well formed as far as it goes: only its length is wrong with it."""
    url = small_server(request_bytes=100_000)
    pieces = chain([part(b"cell.bmp", b"")], repeat(bytes(10_000), 2_000))
    headers = {"Content-Type": TYPE}
    answer = post(f"{url}/v1/predict", content=pieces, headers=headers)
    assert answer.status_code == 413


def in_background(call: Callable[[], httpx.Response]) -> tuple[threading.Thread, list[object]]:
    """A request of which one waits for the end later."""
    out: list[object] = []

    def go() -> None:
        try:
            out.append(call())
        except httpx.HTTPError as error:
            out.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    return thread, out


def test_beyond_the_queue_the_answer_is_429_and_nothing_is_lost(small_server):
    held = Held()
    waiting = 8 - BATCH_SIZE + 8  # of two requests, without what the worker holds
    url = small_server(held, waiting_images=waiting)
    eight = files({f"{n}.png": GOOD for n in range(8)})
    with httpx.Client(base_url=url, headers={"Content-Type": TYPE}, timeout=PATIENCE) as client:
        send = partial(post, f"{url}/v1/predict", content=eight, headers={"Content-Type": TYPE})
        first = in_background(send)
        assert held.begun.wait(PATIENCE)
        second = in_background(send)
        until(lambda: metric(client, "leukoscope_waiting_images") == waiting)
        refused = client.post("/v1/predict", content=eight)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "try again" in refused.json()["error"]
        held.gate.set()
        for thread, out in (first, second):
            thread.join(PATIENCE)
            assert out[0].status_code == 200
            assert len(out[0].json()["answers"]) == 8
        assert metric(client, "leukoscope_refused_total") == 1
        until(lambda: metric(client, "leukoscope_bytes_in_flight") == 0)


def test_beyond_the_memory_the_answer_is_429(small_server):
    held = Held()
    url = small_server(held, bytes_in_flight=100_000)
    body, headers = files({"a.png": GOOD}), {"Content-Type": TYPE}
    thread, out = in_background(lambda: post(f"{url}/v1/predict", content=body, headers=headers))
    assert held.begun.wait(PATIENCE)
    large = files({"a.png": bytes(100_000)})
    assert post(f"{url}/v1/predict", content=large, headers=headers).status_code == 429
    held.gate.set()
    thread.join(PATIENCE)
    assert out[0].status_code == 200
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        until(lambda: metric(client, "leukoscope_bytes_in_flight") == 0)
    assert post(f"{url}/v1/predict", content=large, headers=headers).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_the_images_of_a_client_that_left_are_dropped(small_server, accept):
    held = Held()
    url = small_server(held)
    host, port = url.removeprefix("http://").split(":")
    body = files({f"{n}.png": GOOD for n in range(100)})
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        with socket.create_connection((host, int(port)), PATIENCE) as leaving:
            head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\n"
            head += f"Accept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
            assert held.begun.wait(PATIENCE)
            until(lambda: metric(client, "leukoscope_waiting_images") > 80)
        until(lambda: metric(client, "leukoscope_waiting_images") == 0)
        until(lambda: metric(client, "leukoscope_bytes_in_flight") == 0)
        held.gate.set()
        assert client.post("/v1/predict", files={"f": GOOD}).status_code == 200
    assert sum(held.batches) < 30


def test_answers_come_as_they_are_ready(small_server):
    held = Held()
    url = small_server(held)
    body = files({f"{n}.png": GOOD for n in range(20)})
    headers = {"Content-Type": TYPE, **STREAM}
    with httpx.stream(
        "POST", f"{url}/v1/predict", content=body, headers=headers, timeout=PATIENCE
    ) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        held.gate.set()
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert [line["name"] for line in lines[:-1]] == [f"{n}.png" for n in range(20)]
    assert lines[-1].items() >= {"done": True, "answers": 20, "failed": 0}.items()


def test_a_failure_of_our_own_is_a_line_with_an_id(small_server, caplog):
    def broken(app: FastAPI) -> None:
        def fail(tasks):
            raise RuntimeError("secret innards")

        app.state.services.batcher._work = fail

    url = small_server(broken)
    answer = post(f"{url}/v1/predict", files={"f": GOOD})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    number = answer.json()["error"].split()[-1]
    assert number in caplog.text
    assert "secret innards" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    stream = post(f"{url}/v1/predict", files={"f": GOOD}, headers=STREAM)
    assert list(json.loads(stream.text.splitlines()[-1])) == ["error"]
