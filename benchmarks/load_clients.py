"""The clients of `load.py`: ready-made requests over plain sockets, as cheap as can be."""

import asyncio
import contextlib
import re
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

BOUNDARY = b"leukoscope-load"
BODIES = 24
BUSY = (429, 503)


@dataclass(frozen=True)
class Body:
    """A ready-made request, and which images are in it."""

    request: bytes = field(repr=False)  # asyncio writes a repr of all that a task holds
    images: tuple[int, ...]


def make_body(images: Sequence[bytes], chosen: Sequence[int], port: int) -> Body:
    """A multipart request of some of the images; their names are their numbers."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%d"\r\n\r\n%s\r\n'
        % (BOUNDARY, number, images[number])
        for number in chosen
    ]
    content = b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"
    head = (
        b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n"
        b"Content-Type: multipart/form-data; boundary=%s\r\n\r\n" % (port, len(content), BOUNDARY)
    )
    return Body(head + content, tuple(chosen))


def make_bodies(images: Sequence[bytes], cells: int, port: int) -> list[Body]:
    """Requests in which every image has its turn."""
    starts = range(0, cells * max(BODIES, len(images) // cells), cells)
    return [
        make_body(images, [(start + i) % len(images) for i in range(cells)], port)
        for start in starts
    ]


@dataclass
class Load:
    """The clients of one run, and what they saw: finished requests as (seconds, body, answer)."""

    bodies: list[Body]
    port: int
    end: float
    answers: list[tuple[float, Body, bytes]] = field(default_factory=list)
    refusals: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    async def client(self, number: int) -> None:
        """One client: a connection, a request at a time until the end; a lost one is not hidden."""
        loop, connection = asyncio.get_running_loop(), None
        for turn in count(number):
            if time.perf_counter() >= self.end:
                break
            body, started, status = self.bodies[turn % len(self.bodies)], time.perf_counter(), 0
            while status in (0, *BUSY):
                try:
                    if connection is None:
                        connection = socket.socket()
                        connection.setblocking(False)
                        await loop.sock_connect(connection, ("127.0.0.1", self.port))
                    status, pause, content = await ask(connection, body.request)
                except (OSError, ValueError) as error:
                    status, pause, content = -1, 0, f"{type(error).__name__}: {error}".encode()
                if status != 200 and connection is not None:  # it may be closed by now
                    connection.close()
                    connection = None
                self.refusals += status in BUSY
                await asyncio.sleep(pause)
            if status == 200:
                self.answers.append((time.perf_counter() - started, body, content))
            else:
                self.lost[content[:200].decode()] += 1
        if connection is not None:
            connection.close()


async def ask(connection: socket.socket, request: bytes) -> tuple[int, int, bytes]:
    """Send one request: status, seconds to wait if the server is busy, and content."""
    # A refusal comes before all is sent, and the server does not read to the end then.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await asyncio.get_running_loop().sock_sendall(connection, request)
    head, content = await receive(connection)
    status = int(head[9:12])
    return status, int(header(head, b"retry-after")) if status in BUSY else 0, content


def header(head: bytes, name: bytes) -> bytes:
    """A header's value in the head of an answer."""
    found = re.search(rb"(?i)\r\n" + name + rb": *([^\r]*)", head)
    if found is None:
        raise ValueError(f"an answer without {name.decode()}: {head[:100]!r}")
    return found[1]


async def receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and content of the next answer."""
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        received = await loop.sock_recv(connection, 65536)
        if not received:
            raise ConnectionError("the connection was closed early")
        data += received
        head, gap, content = data.partition(b"\r\n\r\n")
        if gap and len(content) == int(header(head, b"content-length")):
            return head, content
