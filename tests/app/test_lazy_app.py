"""The server answers before its app is there, and ends well when the app cannot be made."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from leukoscope.app.lazy_app import LazyApp
from leukoscope.core.errors import ModelFileError
from tests.app.live import PATIENCE


async def ask(gate: LazyApp, path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a GET."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": [],
        "query_string": b"", "root_path": "", "scheme": "http", "server": ("localhost", 80),
    }  # fmt: skip
    await gate(scope, receive, send)
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/json"
    return sent[0]["status"], json.loads(b"".join(m.get("body", b"") for m in sent[1:]))


def live(gate: LazyApp, work: Callable[[], Awaitable[None]]) -> list[str]:
    """Start the gate as a server does, do some work, end it; what it said about that."""

    async def go() -> list[str]:
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        said: list[str] = []
        started = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            said.append(message["type"])
            started.set()

        lifespan = asyncio.create_task(gate({"type": "lifespan"}, told.get, send))
        await told.put({"type": "lifespan.startup"})
        await started.wait()
        await work()
        await told.put({"type": "lifespan.shutdown"})
        await lifespan
        return said

    return asyncio.run(asyncio.wait_for(go(), PATIENCE))


def test_life_is_told_at_once_and_the_rest_waits_for_the_app():
    furnished = threading.Event()
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        steps.append("opened")
        yield
        steps.append("closed")

    def make() -> FastAPI:
        assert furnished.wait(PATIENCE)
        app = FastAPI(lifespan=lifespan)
        app.get("/healthz")(lambda: {"status": "of the app"})
        app.get("/")(lambda: {"the": "page"})
        return app

    gate = LazyApp(make)

    async def work() -> None:
        page = asyncio.create_task(ask(gate, "/"))
        status, content = await ask(gate, "/healthz")
        assert (status, content["status"]) == (200, "ok")
        assert not page.done()
        furnished.set()
        assert await page == (200, {"the": "page"})
        assert await ask(gate, "/healthz") == (200, {"status": "of the app"})
        assert steps == ["opened"]

    assert live(gate, work) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert steps == ["opened", "closed"]


def test_an_app_that_cannot_be_made_is_told_to_all():
    def make() -> FastAPI:
        raise ModelFileError("none.onnx does not exist")

    gate = LazyApp(make)

    async def work() -> None:
        with pytest.raises(ModelFileError):
            await gate.ready()
        status, content = await ask(gate, "/")
        assert status == 503
        assert "none.onnx" not in content["error"]

    assert live(gate, work)[-1] == "lifespan.shutdown.complete"
