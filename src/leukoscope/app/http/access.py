"""Middleware around every request: access log, metrics, cleanup, and no lost responses.

Pure ASGI, because Starlette's function middleware costs a task and a stream for each request.
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
CLIENT_LEFT = 499  # status of a closed connection in the log of nginx; no client ever sees it
# A refused client may still send its body: how long it is discarded, and the longest pause in it.
LINGER_SECONDS = 60.0
IDLE_SECONDS = 3.0
NAMES_LOGGED = 20
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


@dataclass
class Trace:
    """Facts about one request, for the log. `cleanup` is closed when the request ends."""

    images: int = 0
    names: list[str] = field(default_factory=list)
    cleanup: ExitStack = field(default_factory=ExitStack)
    received: int = 0
    body_read: bool = False
    status: int = 0


def trace(request: Request) -> Trace:
    """The trace of a request."""
    trace: Trace = request.scope[KEY]
    return trace


class AccessLogMiddleware:
    """Log and count every request, and run its cleanup."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log_names: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log_names = log_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        trace = scope[KEY] = Trace()
        channel = _Channel(trace, scope, receive, send)
        try:
            await self._app(scope, channel.receive, channel.send)
        except ClientDisconnect:
            trace.status = trace.status or CLIENT_LEFT
        except Exception as error:
            if trace.status:  # too late for another response: the connection is closed
                raise
            await internal(error)(scope, channel.receive, channel.send)
        finally:
            trace.cleanup.close()
            self._log(scope, trace, time.perf_counter() - started)

    def _log(self, scope: Scope, trace: Trace, seconds: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
        route = template(scope)
        status = trace.status or CLIENT_LEFT
        self._metrics.request(method, route, status)
        line = f"{method} {route} {status} {1000 * seconds:.0f} ms"
        if trace.images or trace.received:
            line += f" {trace.images} images {trace.received} bytes"
        if self._log_names and trace.names:
            shown = trace.names[:NAMES_LOGGED]
            more = len(trace.names) - len(shown)
            line += " " + " | ".join(shown) + (f" | {more} more" if more else "")
        # Probes come every few seconds and would drown everything else.
        log.log(logging.DEBUG if route in PROBES and status in (200, 503) else logging.INFO, line)


class _Channel:
    """`receive` and `send` of one request, with a record of what passed."""

    def __init__(self, trace: Trace, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self._trace = trace
        self._receive = receive
        self._send = send
        announced = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        # A client that asks first (Expect: 100-continue) sends no body after a refusal.
        self._expects_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        trace.body_read = not announced

    async def receive(self) -> Message:
        message = await self._receive()
        self._expects_continue = False
        if message["type"] == "http.request":
            self._trace.received += len(message.get("body", b""))
            self._trace.body_read = not message.get("more_body", False)
        else:
            self._trace.body_read = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._trace.status = message["status"]
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last and not self._trace.body_read and not self._expects_continue:
            # Closing a connection while the client still sends resets it, and the client never
            # sees the response: so send the response first, and discard the rest of the body.
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        deadline = time.monotonic() + LINGER_SECONDS
        try:
            while not self._trace.body_read and time.monotonic() < deadline:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self.receive()
        except TimeoutError:
            return


def template(scope: MutableMapping[str, Any]) -> str:
    """The path of the route as declared, so that names and ids never reach log or metrics."""
    route = scope.get("route")
    mounted = scope.get("root_path", "")  # of the page's files, which have no route each
    return str(getattr(route, "path", "")) or mounted or "(none)"
