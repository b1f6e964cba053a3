"""The body of a request as a list of images, in memory and bounded as its bytes arrive.

Starlette's own form reader writes to temporary files, so this one sits on python-multipart's parser
of events. Nothing here believes a name, a content type or a length.
"""

import asyncio
import base64
import binascii
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import Request
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from leukoscope.app.admission import Hold
from leukoscope.app.archives import open_archive, too_large, too_many
from leukoscope.app.bodies import announced
from leukoscope.app.limits import Limits
from leukoscope.app.names import clean_name
from leukoscope.app.problems import RequestError, describe_invalid
from leukoscope.app.schemas import PredictIn
from leukoscope.app.sniff import is_zip, kind_of
from leukoscope.errors import ImageError

HOW = "send images as multipart/form-data files, or as JSON: see /openapi.json"
SNIFFED = 4


class Item(Protocol):
    """One image to answer for."""

    @property
    def name(self) -> str:
        """What the client calls it, made safe to show."""

    def load(self) -> bytes:
        """The bytes of the file; ImageError where there are none to be had."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request, or the reason why its bytes were not kept."""

    name: str
    data: bytes = b""
    problem: str = ""

    def load(self) -> bytes:
        """The file's bytes.

        Raises:
            ImageError: they were not kept.
        """
        if self.problem:
            raise ImageError(self.problem)
        return self.data


async def read_uploads(request: Request, limits: Limits, hold: Hold) -> list[Item]:
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
        form = FormReader(options.get(b"boundary", b""), limits)
        await _pump(request, hold, form.feed)
        uploads = form.finish()
    elif kind == b"application/json":
        body = io.BytesIO()
        await _pump(request, hold, body.write)
        uploads = await asyncio.to_thread(read_json, body.getvalue(), limits)
    else:
        raise RequestError(415, HOW)
    if not any(is_zip(upload.data[:SNIFFED]) for upload in uploads):
        return list(uploads)
    return await asyncio.to_thread(expand, uploads, limits)


async def _pump(request: Request, hold: Hold, sink: Callable[[bytes], object]) -> None:
    """Feed the body to `sink`, piece by piece, as long as there is room for it."""
    hold.grow(announced(request.scope))
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > hold.bytes:
            hold.grow(received - hold.bytes)
        sink(chunk)


class FormReader:
    """Collects the files of a multipart body from pieces of any size."""

    def __init__(self, boundary: bytes, limits: Limits) -> None:
        """Start.

        Raises:
            RequestError: the boundary is missing or too long.
        """
        if not boundary:
            raise RequestError(400, "the Content-Type header names no boundary")
        self._limits = limits
        self._uploads: list[Upload] = []
        self._field = self._value = self._disposition = b""
        self._name: str | None = None
        self._file = io.BytesIO()
        self._problem = ""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise RequestError(
                400, "the boundary in the Content-Type header is too long"
            ) from error

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            RequestError: 400 if it is no multipart body, 413 if it has too many files.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RequestError(400, f"the multipart body is broken; {HOW}") from error

    def finish(self) -> list[Upload]:
        """The files, after the last piece.

        Raises:
            RequestError: the body ended early, or there is no file in it.
        """
        if not self._ended:
            raise RequestError(400, f"the multipart body ends early; {HOW}")
        if not self._uploads:
            raise RequestError(400, "no file in the request; with curl: -F files=@cell.bmp")
        return self._uploads

    def _part_begin(self) -> None:
        self._disposition, self._name, self._problem = b"", None, ""
        self._file = io.BytesIO()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" not in options:
            return
        if len(self._uploads) >= self._limits.request_images:
            most = self._limits.request_images
            raise RequestError(413, f"more than {most:,} files in one request; send fewer")
        self._name = decode_name(options[b"filename"], self._limits.name_length)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None or self._problem:  # a form field, or a file that is too large
            return
        self._file.write(memoryview(data)[start:end])
        if self._file.tell() > self._limits.image_bytes and not is_zip(
            self._file.getbuffer()[:SNIFFED].tobytes()
        ):
            self._problem = too_large(self._limits)
            self._file = io.BytesIO()

    def _part_end(self) -> None:
        if self._name is not None:
            self._uploads.append(_upload(self._name, self._file.getvalue(), self._problem))
        self._file = io.BytesIO()

    def _end(self) -> None:
        self._ended = True


def decode_name(raw: bytes, limit: int) -> str:
    """A file name from a header, in UTF-8 as browsers and curl send it."""
    return clean_name(raw.decode("utf-8", "replace"), limit)


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
    if len(data) > limits.image_bytes and not is_zip(data[:SNIFFED]):
        return Upload(name, problem=too_large(limits))
    return _upload(name, data, "")


def _upload(name: str, data: bytes, problem: str) -> Upload:
    kind = kind_of(data[:512])
    if kind and kind != "ZIP":
        return Upload(name, problem=f"{kind} archives are not opened; send a ZIP or the images.")
    return Upload(name, data, problem)


def expand(uploads: list[Upload], limits: Limits) -> list[Item]:
    """Put the images of archives in the place of the archives, as long as there is room."""
    room = limits.request_images - len(uploads)
    items: list[Item] = []
    for upload in uploads:
        if not is_zip(upload.data[:SNIFFED]):
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
