"""POST /v1/fields and /v1/fields/cells: from a picture of a smear to images of cells."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

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
from leukoscope.app.schemas import FieldCells
from leukoscope.app.state import services
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
        description="µm per pixel; by default what the file states, else an estimate from its red "
        "cells.",
    ),
]
_ANSWERS = problems(400, 408, 413, 415, 422, 429, 501, 503)


@router.post(
    "",
    summary="Find the white cells of a picture of a smear",
    responses=_ANSWERS,
    openapi_extra=images_body("One picture", limit=1),
)
async def find(request: Request, um_per_px: Scale = None) -> FieldCells:
    """Find the white cells, as `leukoscope cells` does, with the reason why some are left out."""
    server, item = services(request), await _receive(request)

    def work() -> FieldCells:
        return find_cells(item.name, item.load(), um_per_px, server.settings.limits.image_pixels)

    try:
        found: FieldCells = await _one_at_a_time(request, work)
    except ImageError as error:  # as with images to predict, this does not fail the request
        return unusable(item.name, _text(error))
    return found


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
    server, item = services(request), await _receive(request)

    def work() -> bytes:
        limit = server.settings.limits.image_pixels
        return cut_cells(item.name, item.load(), um_per_px, number, limit)

    try:
        content = await _one_at_a_time(request, work)
    except ImageError as error:
        raise RequestError(404, _text(error)) from None
    return Response(content, media_type="application/zip")


async def _receive(request: Request) -> UploadedImage:
    if problem := missing():
        raise RequestError(501, problem)
    server, log = services(request), trace(request)
    server.check()
    reservation = server.memory.reserve()
    log.cleanup.callback(reservation.close)
    items = await read_uploads(request, server.settings.limits, reservation)
    if len(items) != 1:
        raise RequestError(400, f"send one picture, not {len(items)}")
    reservation.grow(BYTES_PER_PIXEL * server.settings.limits.image_pixels)
    return items[0]


async def _one_at_a_time(request: Request, work: Callable[[], Any]) -> Any:
    async with services(request).fields:
        return await asyncio.to_thread(work)


def _text(error: ImageError) -> str:
    return str(error).removeprefix("the image: ")
