"""Limit the size of request bodies and the time they may take, before any route reads them."""

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leukoscope.app.http.problems import problem
from leukoscope.app.limits import MB, Limits

UPLOADS = frozenset(("/v1/predict", "/v1/explain", "/v1/fields", "/v1/fields/cells"))
"""Paths whose bodies hold images."""


class BodyLimitMiddleware:
    """Refuse bodies that are too large or too slow; pass all others on as they arrive."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = self._limits
        limit = limits.request_bytes if scope["path"] in UPLOADS else limits.json_bytes
        if content_length(scope) > limit:
            await problem(413, _too_large(limit))(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + limits.body_seconds
        received = 0
        complete = False

        async def bounded() -> Message:
            nonlocal received, complete
            if complete:  # only the end of the connection can follow, at any time
                return await receive()
            pause = asyncio.get_running_loop().time() + limits.pause_seconds
            try:
                async with asyncio.timeout_at(min(deadline, pause)):
                    message = await receive()
            except TimeoutError:
                late = f"the body did not arrive within {limits.body_seconds:.0f} s"
                if pause < deadline:
                    late = f"nothing of the body arrived for {limits.pause_seconds:.0f} s"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        await self._app(scope, bounded, send)


def content_length(scope: Scope) -> int:
    """The Content-Length of a request; 0 if it has none."""
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if re.fullmatch(rb"[0-9]{1,18}", text) else 0


def _too_large(limit: int) -> str:
    return f"the request is larger than {limit / MB:.0f} MB; send fewer images at a time"
