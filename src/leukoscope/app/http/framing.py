"""Refuse requests before the app: those with an ambiguous end, and all if the server is full.

With an ambiguous end, one request can be hidden inside another.

Source: RFC 9112, sections 6.1 and 6.3. h11 does the minimum that is allowed; a server behind a
proxy should refuse such requests, and must close the connection.
"""

from collections.abc import Callable
from typing import Any

import h11

UNAVAILABLE = 503


class StrictConnection(h11.Connection):
    """A connection of h11 that takes only requests with one length.

    Args:
        most: Longest head of a request, in bytes.
        is_full: Tells whether the server must refuse a request.
    """

    def __init__(self, most: int, is_full: Callable[[], bool] = lambda: False) -> None:
        super().__init__(h11.SERVER, most)
        self._is_full = is_full

    def next_event(self) -> Any:
        """The next event.

        Raises:
            h11.RemoteProtocolError: What arrived is no request, has two lengths, or comes while the
                server is full.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            check_length(event)
            if self._is_full():
                raise h11.RemoteProtocolError("full", UNAVAILABLE)
        return event


def check_length(request: h11.Request) -> None:
    """Check that a request states at most one length.

    Raises:
        h11.RemoteProtocolError: It has Content-Length beside Transfer-Encoding, or a transfer
            coding in HTTP/1.0, which has none.
    """
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:
        raise h11.RemoteProtocolError("Content-Length beside Transfer-Encoding")
    if request.http_version < b"1.1":
        raise h11.RemoteProtocolError("Transfer-Encoding in HTTP/1.0")
