"""Requests that are not HTTP, or whose end is ambiguous, over real sockets."""

import json
import socket

import pytest

from tests.app.http.test_connections import place, rest
from tests.app.live import PATIENCE

HOST = b"Host: localhost\r\n"
BOTH = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"
POST = b"POST /v1/cases HTTP/1.1\r\n" + HOST
CHUNKED = b"0\r\n\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

BAD = {
    "both lengths": (POST + BOTH + b"\r\n" + CHUNKED, 400),
    "both, coding first": (
        POST + b"transfer-encoding: CHUNKED\r\n"
        b"content-length: 5\r\n\r\n" + CHUNKED, 400,
    ),
    "both on a GET": (b"GET /healthz HTTP/1.1\r\n" + HOST + BOTH + b"\r\n" + CHUNKED, 400),
    "a coding in HTTP/1.0": (
        b"POST /v1/cases HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        400,
    ),
    "two lengths": (
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        400,
    ),
    "a signed length": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "an unknown coding": (
        POST + b"Transfer-Encoding: gzip\r\n\r\n", 501,
    ),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "a large head": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 20_000, 431),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "an escape": (b"GET /\x1b[2J HTTP/1.1\r\n" + HOST + b"\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "status"), BAD.values(), ids=BAD)
def test_what_is_ambiguous_or_not_http_is_refused_and_the_connection_closed(
    live_server, sent, status
):
    with socket.create_connection(place(live_server.url), PATIENCE) as client:
        client.sendall(sent + (SMUGGLED if status != 431 else b""))
        received = rest(client)
    assert received.count(b"HTTP/1.1 ") == 1
    head, _, body = received.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"connection: close" in head.lower()
    assert b"nosniff" in head
    assert list(json.loads(body)) == ["error"]
    assert len(body) < 300
    assert "Traceback" not in live_server.text()


def test_equal_lengths_and_chunks_are_read(live_server):
    requests = [
        POST + b"Content-Type: application/json\r\n" + rest_of
        for rest_of in (
            b"Content-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n",
        )
    ]
    for request in requests:
        with socket.create_connection(place(live_server.url), PATIENCE) as client:
            client.sendall(request)
            assert rest(client).startswith(b"HTTP/1.1 201 ")
