"""The body of a request as a list of images, in memory and bounded as its bytes arrive."""

import asyncio
import base64
import binascii
import io
import re
from collections.abc import Callable
from contextlib import closing

from fastapi import Request
from pydantic import ValidationError
from python_multipart.multipart import parse_options_header

from leukoscope.app.http.bodies import announced
from leukoscope.app.http.names import clean_name
from leukoscope.app.http.problems import RequestError, describe_invalid
from leukoscope.app.limits import Limits
from leukoscope.app.schemas import PredictIn
from leukoscope.app.uploads.archives import open_archive, too_large, too_many
from leukoscope.app.uploads.items import Item, Upload, received
from leukoscope.app.uploads.memory_budget import Reservation
from leukoscope.app.uploads.multipart import HOW, FormReader
from leukoscope.app.uploads.sniff import is_zip


async def read_uploads(request: Request, limits: Limits, hold: Reservation) -> list[Item]:
    """Read a request to its end.

    Args:
        request: with a body of multipart/form-data or JSON.
        limits: the server's bounds.
        hold: grows by what is kept.

    Returns:
        The images, those inside archives in the place of the archive.

    Raises:
        RequestError: 400 for a body that can't be read, 413 for too many files, 415 for a body of
            another kind, 422 for JSON of another form, 429 while too much is held for others.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, f"send the body without Content-Encoding; {HOW}")
    if kind == b"multipart/form-data":
        with closing(FormReader(options.get(b"boundary", b""), limits)) as form:
            await _pump(request, hold, form.feed)
            uploads = form.finish()
    elif kind == b"application/json":
        body = io.BytesIO()
        await _pump(request, hold, body.write)
        uploads = await asyncio.to_thread(read_json, body.getvalue(), limits)
    else:
        raise RequestError(415, HOW)
    if not any(upload.is_zip for upload in uploads):
        return list(uploads)
    return await asyncio.to_thread(expand, uploads, limits)


async def _pump(request: Request, hold: Reservation, sink: Callable[[bytes], object]) -> None:
    """Feed the body to `sink`, piece by piece, as long as there is room for it."""
    hold.grow(announced(request.scope))
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > hold.bytes:
            hold.grow(size - hold.bytes)
        sink(chunk)


def read_json(body: bytes, limits: Limits) -> list[Upload]:
    """The images of a JSON body.

    Raises:
        RequestError: 422 if it is not a `PredictIn`, 413 if it has too many images.
    """
    try:
        images = PredictIn.model_validate_json(body).images
    except ValidationError as error:
        problems = [dict(one) for one in error.errors(include_input=False, include_url=False)]
        raise RequestError(422, describe_invalid(problems)) from None
    if len(images) > limits.request_images:
        most = limits.request_images
        raise RequestError(413, f"more than {most:,} images in one request; send fewer")
    uploads = []
    for image in images:
        name, text = clean_name(image.name, limits.name_length), image.data
        image.data = ""  # so that text and bytes of all images are never held at once
        uploads.append(_decoded(name, text, limits))
    return uploads


def _decoded(name: str, text: str, limits: Limits) -> Upload:
    try:
        data = base64.b64decode(re.sub(r"\s+", "", text, flags=re.ASCII), validate=True)
    except (binascii.Error, ValueError):
        return Upload(name, problem="not base64; encode the file's bytes.")
    if len(data) > limits.image_bytes and not is_zip(data):
        return Upload(name, problem=too_large(limits))
    return received(name, data)


def expand(uploads: list[Upload], limits: Limits) -> list[Item]:
    """Put the images of archives in the place of the archives, as long as there is room."""
    room = limits.request_images - len(uploads)
    items: list[Item] = []
    for upload in uploads:
        if not upload.is_zip:
            items.append(upload)
            continue
        members = open_archive(upload.name, upload.data, limits)
        if len(members) - 1 > room:
            problem = too_many(limits.request_images - room + len(members) - 1, limits)
            items.append(Upload(upload.name, problem=f"with the other files, {problem}"))
        else:
            room -= len(members) - 1
            items.extend(members)
    return items
