"""Around every request: one line in the log, its meters, its cleaning up, and no lost answer.

Pure ASGI, for Starlette's middleware of functions costs a task and a stream for each request.
"""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leukoscope.app.http.problems import internal
from leukoscope.app.metrics import Metrics

log = logging.getLogger("leukoscope.access")

KEY = "leukoscope.trace"
CLIENT_LEFT = 499  # as nginx writes it; no client ever sees it
# How long what a refused client still sends is thrown away, and for how long it may pause.
LINGER_SECONDS = 60.0
IDLE_SECONDS = 3.0
NAMES_LOGGED = 20
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


@dataclass
class Trace:
    """What one request is found to be. `cleanup` is closed when it ends, however it ends."""

    images: int = 0
    names: list[str] = field(default_factory=list)
    cleanup: ExitStack = field(default_factory=ExitStack)
    received: int = 0
    body_read: bool = False
    status: int = 0


def trace(request: Request) -> Trace:
    """The trace of a request."""
    found: Trace = request.scope[KEY]
    return found


class AccessLogMiddleware:
    """The layer that sees every request from its first byte to its end."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log_names: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log_names = log_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        mine = scope[KEY] = Trace()
        channel = _Channel(mine, scope, receive, send)
        try:
            await self._app(scope, channel.receive, channel.send)
        except ClientDisconnect:
            mine.status = mine.status or CLIENT_LEFT
        except Exception as error:
            if mine.status:  # too late for another answer: the connection is cut
                raise
            await internal(error)(scope, channel.receive, channel.send)
        finally:
            mine.cleanup.close()
            self._note(scope, mine, time.perf_counter() - started)

    def _note(self, scope: Scope, mine: Trace, seconds: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
        route = template(scope)
        status = mine.status or CLIENT_LEFT
        self._metrics.request(method, route, status)
        line = f"{method} {route} {status} {1000 * seconds:.0f} ms"
        if mine.images or mine.received:
            line += f" {mine.images} images {mine.received} bytes"
        if self._log_names and mine.names:
            shown = mine.names[:NAMES_LOGGED]
            more = len(mine.names) - len(shown)
            line += " " + " | ".join(shown) + (f" | {more} more" if more else "")
        # What asks every few seconds would drown all else.
        log.log(logging.DEBUG if route in PROBES and status in (200, 503) else logging.INFO, line)


class _Channel:
    """The two ends of a request, watched: what came in, what went out."""

    def __init__(self, mine: Trace, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self._mine = mine
        self._receive = receive
        self._send = send
        announced = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        # Who asked first whether to send the body has not sent any if it was refused.
        self._asked = headers.get(b"expect", b"").lower() == b"100-continue"
        mine.body_read = not announced

    async def receive(self) -> Message:
        message = await self._receive()
        self._asked = False
        if message["type"] == "http.request":
            self._mine.received += len(message.get("body", b""))
            self._mine.body_read = not message.get("more_body", False)
        else:
            self._mine.body_read = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._mine.status = message["status"]
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last and not self._mine.body_read and not self._asked:
            # A connection that is closed while its client still sends is reset, and the client
            # never sees the answer: so the answer goes out, and what comes is thrown away.
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        deadline = time.monotonic() + LINGER_SECONDS
        try:
            while not self._mine.body_read and time.monotonic() < deadline:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self.receive()
        except TimeoutError:
            return


def template(scope: MutableMapping[str, Any]) -> str:
    """The path of the route as declared, so that names and ids never reach log or metrics."""
    route = scope.get("route")
    mounted = scope.get("root_path", "")  # of the page's files, which have no route each
    return str(getattr(route, "path", "")) or mounted or "(none)"
