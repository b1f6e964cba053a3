"""Accept connections while the application is still importing.

FastAPI, NumPy and ONNX Runtime take most of a second to import. `LazyApp` lets the server listen
before that: it answers /healthz at once, and all other requests wait for the app.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from leukoscope.app.http.headers import HEADERS
from leukoscope.core.version import __version__

READING = ("GET", "HEAD")

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

    from leukoscope.app.store import Store


class LazyApp:
    """An ASGI app that loads the real app in the background and passes requests on to it."""

    def __init__(self, make_app: "Callable[[], FastAPI]") -> None:
        """Create the app; loading starts with the server.

        Args:
            make_app: Function that creates the real app; called in a thread.
        """
        self._make_app = make_app
        self._app: FastAPI | None = None
        self._loading: asyncio.Task[FastAPI] | None = None
        self._lifespan = AsyncExitStack()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one request, or the lifespan events."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif self._app is None and scope["path"] == "/healthz" and scope["method"] in READING:
            await _answer(send, 200, {"status": "ok", "version": __version__})
        else:
            try:
                app = await self._loaded()
            except Exception:  # `ready` raises it as well, and the server stops
                message = "the server could not start; the reason is in its log"
                await _answer(send, 503, {"error": message})
            else:
                await app(scope, receive, send)

    async def ready(self) -> "Store":
        """Wait until model and database are ready.

        Raises:
            LeukoscopeError: The model or the database cannot be used.
        """
        app = await self._loaded()
        store: Store = await asyncio.shield(app.state.services.opening)
        return store

    def stop(self) -> None:
        """Refuse new work."""
        if self._app is not None:
            self._app.state.services.stopping = True

    async def _loaded(self) -> "FastAPI":
        if self._app is not None:
            return self._app
        assert self._loading is not None  # nothing is served before the start
        return await asyncio.shield(self._loading)

    async def _run_lifespan(self, receive: "Receive", send: "Send") -> None:
        await receive()
        self._loading = asyncio.create_task(self._load())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.wait([self._loading])
        await self._lifespan.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _load(self) -> "FastAPI":
        app = await asyncio.to_thread(self._make_app)
        await self._lifespan.enter_async_context(app.router.lifespan_context(app))
        self._app = app
        return app


async def _answer(
    send: Callable[[dict[str, Any]], Any], status: int, content: dict[str, str]
) -> None:
    body = json.dumps(content).encode()
    headers = {**HEADERS, "Content-Type": "application/json", "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
