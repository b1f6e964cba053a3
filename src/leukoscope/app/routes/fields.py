"""POST /v1/fields and /v1/fields/cells: from a picture of a smear to images of cells."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from leukoscope.app.http.access import trace
from leukoscope.app.http.openapi import images_body, problems
from leukoscope.app.http.problems import RequestError
from leukoscope.app.predicting.smear_fields import (
    BYTES_PER_PIXEL,
    cut_cells,
    find_cells,
    missing,
    unusable,
)
from leukoscope.app.routes.predict import while_connected
from leukoscope.app.schemas import FieldCells
from leukoscope.app.state import Services, services
from leukoscope.app.uploads.memory_budget import Reservation
from leukoscope.app.uploads.uploaded_file import UploadedImage
from leukoscope.app.uploads.uploads import read_uploads
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.resolution import COARSEST, FINEST

router = APIRouter(prefix="/v1/fields", tags=["fields"])

Scale = Annotated[
    float | None,
    Query(
        ge=FINEST,
        le=COARSEST,
        description="µm per pixel; by default the scale that the file states, or an estimate from "
        "its red cells.",
    ),
]
Value = TypeVar("Value")
_ANSWERS = problems(400, 408, 413, 415, 422, 429, 501, 503)


@router.post(
    "",
    summary="Find the white cells of a picture of a smear",
    responses=_ANSWERS,
    openapi_extra=images_body("One picture", limit=1),
)
async def find(request: Request, um_per_px: Scale = None) -> FieldCells:
    """Find the white cells, as `leukoscope cells` does, with the reason why some are left out."""
    limit = services(request).settings.limits.image_pixels

    def work(item: UploadedImage) -> FieldCells:
        try:
            return find_cells(item.name, item.load(), um_per_px, limit)
        except ImageError as error:  # as with images to predict, this does not fail the request
            return unusable(item.name, _text(error))

    return await _with_picture(request, work)


@router.post(
    "/cells",
    summary="Cut chosen cells out of a picture of a smear",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        **_ANSWERS,
        **problems(404),
    },
    openapi_extra=images_body("The same picture", limit=1),
)
async def cut(
    request: Request,
    number: Annotated[
        list[Annotated[int, Field(ge=1)]],
        Query(min_length=1, max_length=2_000, description="`number` of each cell; repeatable."),
    ],
    um_per_px: Scale = None,
) -> Response:
    """A ZIP of images of these cells, on black at C-NMC's scale, for `/v1/predict`."""
    limit = services(request).settings.limits.image_pixels

    def work(item: UploadedImage) -> bytes:
        return cut_cells(item.name, item.load(), um_per_px, number, limit)

    try:
        content = await _with_picture(request, work)
    except ImageError as error:
        raise RequestError(404, _text(error)) from None
    return Response(content, media_type="application/zip")


async def _with_picture(request: Request, work: Callable[[UploadedImage], Value]) -> Value:
    """Receive the picture, and do `work` with it in a thread, after the pictures of others."""
    if problem := missing():
        raise RequestError(501, problem)
    server, log = services(request), trace(request)
    server.check()
    with ExitStack() as held:
        memory = server.memory.reserve()
        held.callback(memory.close)
        item = await _receive(request, memory)
        log.images = 1
        if server.settings.log_names:
            log.names = [item.name]
        memory.grow(BYTES_PER_PIXEL * server.settings.limits.image_pixels)
        return await while_connected(request, _in_turn(server, held, lambda: work(item)))


async def _in_turn(server: Services, held: ExitStack, work: Callable[[], Value]) -> Value:
    """Do `work` in a thread when it is its turn.

    A client that leaves gives up its turn. A thread cannot be stopped, so the turn and `held` last
    until it ends, even if no client waits for it.
    """
    await server.fields.acquire()
    held.callback(server.fields.release)
    working = asyncio.ensure_future(asyncio.to_thread(work))
    until_done = held.pop_all()
    working.add_done_callback(lambda _: until_done.close())
    return await asyncio.shield(working)


async def _receive(request: Request, memory: Reservation) -> UploadedImage:
    items = await read_uploads(request, services(request).settings.limits, memory)
    if len(items) != 1:
        raise RequestError(400, f"send one picture, not {len(items)}")
    return items[0]


def _text(error: ImageError) -> str:
    return str(error).removeprefix("the image: ")
