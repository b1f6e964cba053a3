"""What whoever runs the server asks: is it alive, is it ready, how busy is it."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from leukoscope.app.http.openapi import problems
from leukoscope.app.http.problems import RequestError
from leukoscope.app.schemas import Health, Readiness
from leukoscope.app.state import services, stopping
from leukoscope.core.version import __version__

TEXT = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Is it alive?")
async def healthz() -> Health:
    """Says so as soon as the server listens."""
    return Health(status="ok", version=__version__)


@router.get("/readyz", summary="Is it ready?", responses=problems(503))
async def readyz(request: Request) -> Readiness:
    """503 until model and database are ready, and while the server stops."""
    mine = services(request)
    if mine.stopping:
        raise stopping()
    opening = mine.opening
    if opening is None or not opening.done():
        raise RequestError(503, "the database is being opened", {"Retry-After": "1"})
    if not await asyncio.to_thread(lambda: opening.result().ready):
        raise RequestError(503, "the database does not answer", {"Retry-After": "5"})
    return Readiness(status="ready", version=__version__, ephemeral=mine.settings.ephemeral)


@router.get(
    "/metrics",
    summary="Meters for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
def metrics(request: Request) -> Response:
    """Counts of requests and images, queue and memory, in Prometheus' text format."""
    return Response(services(request).metrics.text(), headers={"Content-Type": TEXT})
