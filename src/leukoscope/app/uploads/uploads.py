"""Read the images of a request body into memory, checking the limits while bytes arrive."""

import asyncio
import io
from collections.abc import Callable
from contextlib import closing

from fastapi import Request
from pydantic import ValidationError
from python_multipart.multipart import parse_options_header

from leukoscope.app.http.bodies import content_length
from leukoscope.app.http.names import clean_name
from leukoscope.app.http.problems import RequestError, describe_invalid
from leukoscope.app.limits import Limits
from leukoscope.app.schemas import PredictIn
from leukoscope.app.uploads.archives import open_archive, too_large, too_many
from leukoscope.app.uploads.base64_text import decode_base64
from leukoscope.app.uploads.memory_budget import Reservation
from leukoscope.app.uploads.multipart import HOW_TO_SEND, FormReader
from leukoscope.app.uploads.sniff import is_zip
from leukoscope.app.uploads.uploaded_file import UploadedFile, UploadedImage, accept_file
from leukoscope.core.printable import cut
from leukoscope.core.strict_json import parse_json


async def read_uploads(
    request: Request, limits: Limits, memory: Reservation
) -> list[UploadedImage]:
    """Read all images of a request.

    Args:
        request: A request with a multipart/form-data or JSON body.
        limits: Limits of the server.
        memory: Reservation that grows by the bytes kept.

    Returns:
        The images in order; an archive is replaced by its images.

    Raises:
        RequestError: 400 for an unreadable body, 413 for too many files, 415 for an unsupported
            type of body, 422 for JSON of another schema, 429 while the memory is full.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, f"send the body without Content-Encoding; {HOW_TO_SEND}")
    if kind == b"multipart/form-data":
        with closing(FormReader(options.get(b"boundary", b""), limits)) as form:
            await _read_body(request, memory, form.feed)
            uploads = form.finish()
    elif kind == b"application/json":
        body = io.BytesIO()
        await _read_body(request, memory, body.write)
        uploads = await asyncio.to_thread(lambda: read_json(take_text(body), limits))
    else:
        raise RequestError(415, HOW_TO_SEND)
    if not any(upload.is_zip for upload in uploads):
        return list(uploads)
    return await asyncio.to_thread(expand, uploads, limits)


async def _read_body(
    request: Request, memory: Reservation, sink: Callable[[bytes], object]
) -> None:
    """Pass the body to `sink` in chunks, as long as there is memory for it."""
    memory.grow(content_length(request.scope))
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > memory.bytes:
            memory.grow(size - memory.bytes)
        sink(chunk)


def take_text(body: io.BytesIO) -> str:
    """Decode a JSON body and free its bytes, so that not all forms of it are in memory at once.

    Raises:
        RequestError: 422 if it is not UTF-8.
    """
    try:
        with body.getbuffer() as view:
            return str(view, "utf-8")
    except UnicodeDecodeError:
        raise RequestError(422, "the body is not valid JSON (it is not UTF-8)") from None
    finally:
        body.close()


def read_json(body: str | bytes, limits: Limits) -> list[UploadedFile]:
    """The images of a JSON body.

    Raises:
        RequestError: 422 if it is not a valid `PredictIn`, 413 if it has too many images.
    """
    try:
        images = PredictIn.model_validate(parse_json(body)).images
    except ValidationError as error:
        problems = [dict(item) for item in error.errors(include_input=False, include_url=False)]
        raise RequestError(422, describe_invalid(problems)) from None
    except ValueError as error:
        raise RequestError(422, f"the body is not valid JSON ({cut(str(error), 150)})") from None
    if len(images) > limits.request_images:
        limit = limits.request_images
        raise RequestError(413, f"more than {limit:,} images in one request; send fewer")
    uploads = []
    for image in images:
        name, text = clean_name(image.name, limits.name_length), image.data
        image.data = ""  # so that text and bytes of all images are never in memory together
        uploads.append(_decoded(name, text, limits))
    return uploads


def _decoded(name: str, text: str, limits: Limits) -> UploadedFile:
    try:
        data = decode_base64(text)
    except ValueError as error:
        return UploadedFile(name, problem=f"{error}.")
    if len(data) > limits.image_bytes and not is_zip(data):
        return UploadedFile(name, problem=too_large(limits))
    return accept_file(name, data)


def expand(uploads: list[UploadedFile], limits: Limits) -> list[UploadedImage]:
    """Replace archives by their images, up to the limit of images per request."""
    room = limits.request_images - len(uploads)
    items: list[UploadedImage] = []
    for upload in uploads:
        if not upload.is_zip:
            items.append(upload)
            continue
        members = open_archive(upload.name, upload.data, limits)
        if len(members) - 1 > room:
            problem = too_many(limits.request_images - room + len(members) - 1, limits)
            items.append(UploadedFile(upload.name, problem=f"with the other files, {problem}"))
        else:
            room -= len(members) - 1
            items.extend(members)
    return items
