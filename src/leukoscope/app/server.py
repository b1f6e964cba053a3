"""Build the ASGI app: routes, middleware, and the services that live as long as it does."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI

from leukoscope.app.http.access import AccessLogMiddleware
from leukoscope.app.http.bodies import BodyLimitMiddleware
from leukoscope.app.http.methods import HeadMiddleware
from leukoscope.app.http.openapi import document
from leukoscope.app.http.problems import install_handlers
from leukoscope.app.http.security import AuthMiddleware, SecurityHeadersMiddleware
from leukoscope.app.routes import cases, fields, login, models, page, predict, service, vocabulary
from leukoscope.app.settings import Settings
from leukoscope.app.state import Services, build_services
from leukoscope.app.store import open_store


def create_app(settings: Settings) -> FastAPI:
    """Create the app for one model.

    Args:
        settings: Settings of the server.

    Raises:
        ModelFileError: The model cannot be used.
    """
    parts = build_services(settings)
    app = FastAPI(
        docs_url=None,  # their pages load scripts from other sites
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        **_no_telemetry(),
    )
    app.state.services = parts
    modules = (predict, fields, models, cases, vocabulary, service, page, login)
    for module in modules:
        app.include_router(module.router)
    app.state.own_routes = [route for module in modules for route in module.router.routes]
    app.mount("/static", page.static)
    app.add_api_route("/openapi.json", lambda: document(app), include_in_schema=False)
    install_handlers(app)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(BodyLimitMiddleware, limits=settings.limits)
    app.add_middleware(AuthMiddleware, settings=settings)
    app.add_middleware(AccessLogMiddleware, metrics=parts.metrics, log_names=settings.log_names)
    app.add_middleware(
        SecurityHeadersMiddleware
    )  # the outermost, because errors need the headers too
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Services = app.state.services
    parts.batcher.start()
    # Importing SQLAlchemy takes as long as all the rest: do it while the browser draws the page.
    parts.opening = asyncio.ensure_future(
        asyncio.to_thread(
            open_store, parts.settings, {key: card.subjects for key, card in parts.cards.items()}
        )
    )
    try:
        yield
    finally:
        parts.stopping = True
        await asyncio.to_thread(parts.batcher.stop, 1.0)
        await asyncio.to_thread(parts.shelf.stop, 1.0)
        with contextlib.suppress(Exception):  # requests that wait for the store report the failure
            await asyncio.to_thread((await parts.opening).close)


def _no_telemetry() -> Mapping[str, Any]:
    """Arguments that keep FastAPI from tracing requests, where its version can.

    An environment made for other servers may ask it to send traces, which hold paths and errors.
    """
    if "telemetry" not in inspect.signature(FastAPI).parameters:
        return {}
    return {"telemetry": dict.fromkeys(("tracing", "metrics", "logs", "auto_configure"), False)}
