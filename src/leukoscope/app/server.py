"""The app: its routes, its doors, and the parts that live as long as it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from leukoscope.app.http.access import AccessLogMiddleware
from leukoscope.app.http.bodies import BodyLimitMiddleware
from leukoscope.app.http.openapi import document
from leukoscope.app.http.problems import install
from leukoscope.app.http.security import AuthMiddleware, SecurityHeadersMiddleware
from leukoscope.app.routes import cases, login, models, page, predict, service, vocabulary
from leukoscope.app.settings import Settings
from leukoscope.app.state import Services, build
from leukoscope.app.store import open_store


def create_app(settings: Settings) -> FastAPI:
    """The app for one model.

    Args:
        settings: how the server was started.

    Raises:
        ModelFileError: the model can't be used.
    """
    parts = build(settings)
    app = FastAPI(
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    app.state.services = parts
    for module in (predict, models, cases, vocabulary, service, page, login):
        app.include_router(module.router)
    app.mount("/static", page.static)
    app.add_api_route("/openapi.json", lambda: document(app), include_in_schema=False)
    install(app)
    app.add_middleware(BodyLimitMiddleware, limits=settings.limits)
    app.add_middleware(AuthMiddleware, settings=settings)
    app.add_middleware(AccessLogMiddleware, metrics=parts.metrics, log_names=settings.log_names)
    app.add_middleware(SecurityHeadersMiddleware)  # the outermost, for failures need them too
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Services = app.state.services
    parts.batcher.start()
    # SQLAlchemy takes as long to import as all the rest: it comes while the page is drawn.
    parts.opening = asyncio.ensure_future(asyncio.to_thread(open_store, parts.settings))
    try:
        yield
    finally:
        parts.stopping = True
        await asyncio.to_thread(parts.batcher.stop, 1.0)
        with contextlib.suppress(Exception):  # whoever waits for the store is told why it failed
            await asyncio.to_thread((await parts.opening).close)
