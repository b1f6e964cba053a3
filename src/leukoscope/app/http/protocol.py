"""HTTP/1.1 connections of uvicorn, with limits on the time that a client may take.

Uvicorn limits only the time between two requests. Here the head of a request, a silent client and a
response that nobody reads have their limits, too; `BodyLimitMiddleware` has those of the body.
"""

import asyncio
import sys
from collections.abc import Callable
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from leukoscope.app.http.connections import ConnectionTable, client_key
from leukoscope.app.http.framing import UNAVAILABLE, StrictConnection
from leukoscope.app.http.headers import HEADERS, error_body
from leukoscope.app.limits import Limits
from leukoscope.core.printable import cut

HEAD_BYTES = 16_384
MESSAGE_LENGTH = 200
# After a refusal, bytes under way are discarded for so long: closing a connection with unread bytes
# resets it, and the client would never see the response.
LINGER_SECONDS = 2.0
GRACE_SECONDS = 1.0  # a connection with a request does not give way to another before this time
RETRY = {"Retry-After": "5"}
FULL = "all connections of the server are in use; try again in a moment"
SLOW = "the request did not arrive within {:.0f} s"


class Waiting(Enum):
    """The event that the server waits for on a connection."""

    HEAD = "the head of a request"
    BODY = "the body of a request"
    READING = "the client to read the response"


class LimitedProtocol(H11Protocol):
    """One connection. `delay` says how long its client has kept the server waiting."""

    def __init__(self, *args: Any, table: ConnectionTable, limits: Limits, **options: Any) -> None:
        super().__init__(*args, **options)
        # Work that a client has left may continue, and without a connection it has no other limit.
        self.conn = StrictConnection(HEAD_BYTES, lambda: len(self.tasks) >= limits.connections)
        self.client_key = ""
        self._table = table
        self._limits = limits
        self._since = 0.0  # when the present waiting began; moved forward by bytes of a body
        self._is_idle = True  # no byte of the next request has arrived
        self._is_ending = False  # answered with an error; what arrives is discarded
        self._seen: tuple[Waiting | None, int] = (None, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it if there is no room."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._since = self.loop.time()
        self.client_key = client_key(self.client[0] if self.client else "")
        if self._table.admit(self):
            return
        if self._table.may_refuse(self):
            self._end(UNAVAILABLE, FULL, RETRY)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the place."""
        self._table.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle bytes, and note when a head began and how fast a body arrives."""
        if self._is_ending:
            return
        now = self.loop.time()
        if self._is_idle:
            self._is_idle, self._since = False, now
        elif self._waiting() is Waiting.BODY:
            self._since = min(now, self._since + len(data) / self._limits.body_rate)
        super().data_received(data)

    def handle_events(self) -> None:
        """Handle what has been parsed, and note when a head is complete."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._is_idle, self._since = False, self.loop.time()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._is_idle, self._since = True, self.loop.time()
        super().on_response_complete()
        if self._is_idle and self.conn.trailing_data[0]:  # part of a request that came early
            self._is_idle = False

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refuses, with the status that it suggests."""
        error = sys.exc_info()[1]
        status = getattr(error, "error_status_hint", 400)
        if status == UNAVAILABLE:
            self._end(status, FULL, RETRY)
            return
        reason = f"{msg.rstrip('.')}: {error}" if error else msg
        self._end(status, f"{reason[:1].lower()}{reason[1:]}")

    def delay(self, now: float) -> float:
        """Seconds for which the client has kept the server waiting; 0 or less if it has not."""
        waiting = self._waiting()
        if waiting is None or (waiting is Waiting.READING and self._seen[0] is not waiting):
            return 0.0
        return now - self._since - (0.0 if waiting is Waiting.HEAD else GRACE_SECONDS)

    def enforce(self, now: float) -> None:
        """Close the connection if the head of a request or the reading of a response stalls."""
        waiting = self._waiting()
        unsent = self.transport.get_write_buffer_size()
        if waiting is Waiting.READING and self._seen != (waiting, unsent):
            self._since = now
        self._seen = (waiting, unsent)
        waited = now - self._since
        if waiting is Waiting.READING and waited > self._limits.response_seconds:
            self.abort()
        elif waiting is Waiting.HEAD and waited > self._limits.head_seconds:
            if self._is_idle:
                self.transport.close()
            else:
                self._end(408, SLOW.format(self._limits.head_seconds))

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _waiting(self) -> Waiting | None:
        """The event that the server waits for; None while the server itself works."""
        cycle = self.cycle
        if self.transport.is_closing() or self.flow.write_paused:
            return Waiting.READING
        if cycle is None or cycle.response_complete:
            return Waiting.HEAD
        is_asked = not cycle.waiting_for_100_continue and not self.flow.read_paused
        return Waiting.BODY if cycle.more_body and is_asked else None

    def _end(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        """Answer with an error if that is still possible, and close the connection gently."""
        cycle = self.cycle
        is_begun = cycle is not None and not cycle.response_complete and cycle.response_started
        self._is_ending = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not is_begun:
            body = error_body(cut(message, MESSAGE_LENGTH))
            fields = {**HEADERS, "Content-Type": "application/json", **(headers or {})}
            fields |= {"Content-Length": str(len(body)), "Connection": "close"}
            reason = HTTPStatus(status).phrase.encode()
            response = h11.Response(status_code=status, headers=list(fields.items()), reason=reason)
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # the app must not answer, too
            cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def limited_protocol(limits: Limits, proxies: list[str] | str) -> Callable[..., LimitedProtocol]:
    """The protocol of one server, for the option `http` of uvicorn."""
    table = ConnectionTable(limits, proxies)
    return partial(LimitedProtocol, table=table, limits=limits)
