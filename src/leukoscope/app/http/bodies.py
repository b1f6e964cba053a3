"""BodyLimitMiddleware of requests, bounded in size and time before any route has read them."""

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leukoscope.app.http.problems import problem
from leukoscope.app.limits import MB, Limits

UPLOADS = frozenset(("/v1/predict", "/v1/explain"))


class BodyLimitMiddleware:
    """Refuses bodies that are too large or too slow; routes see the rest as it comes."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = self._limits
        most = limits.request_bytes if scope["path"] in UPLOADS else limits.json_bytes
        if announced(scope) > most:
            await problem(413, _too_large(most))(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + limits.body_seconds
        received = 0
        whole = False

        async def bounded() -> Message:
            nonlocal received, whole
            if whole:  # what comes now is the end of the connection, and may take its time
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                late = f"the body did not arrive within {limits.body_seconds:.0f} s"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if received > most:
                raise HTTPException(413, _too_large(most))
            return message

        await self._app(scope, bounded, send)


def announced(scope: Scope) -> int:
    """The length of a body as its header has it; 0 where it has none."""
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if re.fullmatch(rb"[0-9]{1,18}", text) else 0


def _too_large(most: int) -> str:
    return f"the request is larger than {most / MB:.0f} MB; send less at a time"
