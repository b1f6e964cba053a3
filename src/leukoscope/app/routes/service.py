"""Health, readiness and metrics of the server, for its operator."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from leukoscope.app.http.openapi import problems
from leukoscope.app.http.problems import RequestError
from leukoscope.app.state import services, stopping
from leukoscope.app.store import UnavailableError
from leukoscope.app.vocabulary import Health, Readiness
from leukoscope.core.version import __version__

TEXT = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Liveness")
async def healthz() -> Health:
    """Answer as soon as the server listens."""
    return Health(status="ok", version=__version__)


@router.get("/readyz", summary="Readiness", responses=problems(503))
async def readyz(request: Request) -> Readiness:
    """Return 503 until model and database are ready, and while the server is stopping."""
    server = services(request)
    if server.stopping:
        raise stopping()
    opening = server.opening
    if opening is None or not opening.done():
        raise RequestError(503, "the database is still being opened", {"Retry-After": "1"})
    try:
        await asyncio.to_thread(lambda: opening.result().check())
    except UnavailableError as error:
        raise RequestError(503, str(error), {"Retry-After": "5"}) from None
    return Readiness(status="ready", version=__version__, ephemeral=server.settings.ephemeral)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
def metrics(request: Request) -> Response:
    """Requests, images, queue and memory in the text format of Prometheus."""
    return Response(services(request).metrics.text(), headers={"Content-Type": TEXT})
