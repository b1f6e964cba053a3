"""Clients that are slow, silent or many, over real sockets: they keep nobody else out."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from leukoscope.app.http.connections import ConnectionTable, client_key, usable_connections
from leukoscope.app.limits import Limits
from tests.app.live import PATIENCE, Held, until

pytestmark = pytest.mark.slow(10)

LINE = b"GET /healthz HTTP/1.1\r\n"
REQUEST = LINE + b"Host: localhost\r\n\r\n"
UPLOAD = (
    b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100000\r\n\r\n"
)
# What a client that keeps its connection to itself has sent.
SILENT = {
    "nothing": b"",
    "part of a line": LINE[:7],
    "part of a head": LINE + b"Host: localhost\r\nX: ",
    "an answered request": REQUEST,
    "an answered request and a part": REQUEST + LINE[:3],
}


def place(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


@contextmanager
def clients(
    url: str, number: int, sent: bytes = b"", own: str = ""
) -> Iterator[list[socket.socket]]:
    """Connections that have sent something, from an address of their own where one is given."""
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            source = (own, 0) if own else None
            client = stack.enter_context(socket.create_connection(place(url), PATIENCE, source))
            client.sendall(sent)
            opened.append(client)
        yield opened


def rest(client: socket.socket) -> bytes:
    """Everything up to the end of the connection, however it ends."""
    received = b""
    try:
        while chunk := client.recv(65_536):
            received += chunk
    except ConnectionError:
        pass
    return received


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


def ask(url: str) -> int:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        return client.get(f"{url}/healthz").status_code


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT)
def test_silent_connections_give_way_to_others(small_server, sent):
    url = small_server(connections=8, head_seconds=PATIENCE, idle_seconds=PATIENCE)
    with clients(url, 12, sent):
        assert [ask(url) for _ in range(10)] == [200] * 10


def test_slow_bodies_give_way_to_others(small_server):
    url = small_server(connections=8, pause_seconds=PATIENCE, body_seconds=PATIENCE)
    with clients(url, 8, UPLOAD + b"{"):
        until(lambda: ask(url) == 200)


class Working(Held):
    """A server that answers no prediction until `gate` is set."""

    def __call__(self, app: FastAPI) -> None:
        super().__call__(app)
        self.batcher = app.state.services.batcher

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests of one image have arrived."""
        until(lambda: sum(self.batches) + self.batcher.waiting >= requests)


PREDICT = UPLOAD.replace(b"100000", b"26") + b'{"images": [{"data": ""}]}'


def test_a_client_has_its_share_and_no_more(small_server):
    held = Working()
    url = small_server(held, connections=8, client_connections=3)
    try:
        with clients(url, 3, PREDICT, own="127.0.0.2"):
            held.wait_for(3)
            with clients(url, 1, REQUEST, own="127.0.0.2") as (one_more,):
                assert status(rest(one_more)) == 503
            assert ask(url) == 200  # another client
            held.gate.set()
    finally:
        held.gate.set()


def test_a_full_server_refuses_at_once_and_says_so(small_server):
    held = Working()
    url = small_server(held, connections=8)
    try:
        with clients(url, 8, PREDICT) as working:
            held.wait_for(8)
            started = time.monotonic()
            with clients(url, 1) as (silent,):  # it need not even ask
                head, _, content = rest(silent).partition(b"\r\n\r\n")
            assert status(head) == 503
            assert time.monotonic() - started < 60
            assert b"Retry-After: 5" in head
            assert list(json.loads(content)) == ["error"]
            held.gate.set()
            assert {status(client.recv(100)) for client in working} == {200}
    finally:
        held.gate.set()


def test_work_that_clients_have_left_is_bounded_too(small_server):
    gate, begun = threading.Event(), threading.Semaphore(0)

    def slow(request: Request) -> Response:
        begun.release()
        assert gate.wait(PATIENCE)
        return Response()

    url = small_server(lambda app: app.add_route("/slow", slow), connections=8)
    try:
        with clients(url, 8, REQUEST.replace(b"/healthz", b"/slow")):
            assert all(begun.acquire(timeout=PATIENCE) for _ in range(8))
        until(lambda: ask(url) == 503)
        gate.set()
        until(lambda: ask(url) == 200)
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [(b"", []), (LINE, [408]), (REQUEST, [200]), (REQUEST + LINE, [200, 408])],
    ids=["nothing", "a part", "a request", "a request and a part"],
)
def test_a_head_that_does_not_arrive_ends_the_connection(small_server, sent, statuses):
    url = small_server(head_seconds=0.4, idle_seconds=1)
    with clients(url, 1, sent) as (client,):
        received = rest(client)
    answers = [part for part in received.split(b"HTTP/1.1 ") if part]
    assert [int(answer[:3]) for answer in answers] == statuses


def test_a_head_byte_by_byte_has_no_more_time(small_server):
    url = small_server(head_seconds=0.5)
    with clients(url, 1, LINE) as (client,):
        client.settimeout(0.05)
        end, received = time.monotonic() + PATIENCE, b""
        while not received and time.monotonic() < end:
            client.sendall(b"X")
            try:
                received = client.recv(1_000)
            except TimeoutError:
                continue
    assert status(received) == 408


def test_a_body_that_pauses_is_refused(small_server):
    url = small_server(pause_seconds=0.3)
    with clients(url, 1, UPLOAD + b"{") as (client,):
        received = b""
        while b"}" not in received:
            received += client.recv(65_536)
    assert status(received) == 408
    assert b"nothing of the body" in received


def test_a_response_that_nobody_reads_ends_the_connection(small_server):
    def large(app):
        app.add_route("/large", lambda request: large_response())

    url = small_server(large, response_seconds=0.2)
    with clients(url, 1, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") as (client,):
        client.recv(1, socket.MSG_PEEK)  # the response has begun
        time.sleep(1.5)
        received = rest(client)
    assert status(received) == 200
    assert len(received) < LARGE


LARGE = 64_000_000


def large_response() -> Response:
    return Response(bytes(LARGE))


class Peer:
    """A connection that has waited so long."""

    def __init__(self, delay: float = 0.0, client_key: str = "192.0.2.1/32") -> None:
        self.client_key = client_key
        self.waited = delay
        self.aborted = False

    def delay(self, now: float) -> float:
        return self.waited

    def enforce(self, now: float) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def in_loop():
    """Run a function where a loop runs."""
    import asyncio

    def run(work):
        async def inside():
            return work()

        return asyncio.run(inside())

    return run


def test_the_slowest_gives_way(in_loop):
    def work():
        table = ConnectionTable(Limits(connections=8))
        peers = [Peer(delay, f"192.0.2.{n}/32") for n, delay in enumerate((0, 3, 9, 1, 0, 0, 0, 0))]
        assert all(table.admit(peer) for peer in peers)
        assert table.admit(Peer(0))
        assert [peer.aborted for peer in peers] == [False, False, True] + [False] * 5

    in_loop(work)


@pytest.mark.parametrize(
    ("proxies", "key", "admitted"),
    [
        ("127.0.0.1,::1", "192.0.2.1/32", 2),
        ("127.0.0.1,192.0.2.0/24", "192.0.2.1/32", 8),
        ("*", "192.0.2.1/32", 8),
        ("", "127.0.0.1/32", 2),
        ("", "", 8),
    ],
)
def test_a_trusted_proxy_has_no_share(in_loop, proxies, key, admitted):
    def work():
        table = ConnectionTable(Limits(connections=8, client_connections=2), proxies)
        return sum(table.admit(Peer(client_key=key)) for _ in range(10))

    assert in_loop(work) == admitted


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1/128"),
        ("", ""),
    ],
)
def test_one_client_is_one_address_or_network(host, key):
    assert client_key(host) == key


def refuse(*_):
    raise OSError


def test_connections_fit_into_the_descriptors(monkeypatch):
    resource = pytest.importorskip("resource")
    changed = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 400))
    monkeypatch.setattr(resource, "setrlimit", lambda which, wanted: changed.append(wanted))
    assert usable_connections(512) == (400 - 128) // 2
    assert changed == [(400, 400)]
    assert usable_connections(64) == 64
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert usable_connections(512) == (256 - 128) // 2
