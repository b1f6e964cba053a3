"""Read the files of a multipart body into memory, chunk by chunk.

Starlette's form reader writes to temporary files, so this one uses the event parser of
python-multipart. Of the headers of a part, only the file name is used.
"""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from leukoscope.app.http.names import clean_name
from leukoscope.app.http.problems import RequestError
from leukoscope.app.limits import Limits
from leukoscope.app.uploads.archives import too_large
from leukoscope.app.uploads.sniff import is_zip
from leukoscope.app.uploads.uploaded_file import UploadedFile, accept_file

HOW_TO_SEND = "send images as multipart/form-data files or as JSON; see /openapi.json"
HEAD_BYTES = 4
# Chunks of a part kept separately; each has some overhead.
MAX_PIECES = 4_096


class FormReader:
    """Collect the files of a multipart body from chunks of any size."""

    def __init__(self, boundary: bytes, limits: Limits) -> None:
        """Create a reader.

        Raises:
            RequestError: The boundary is missing or too long.
        """
        if not boundary:
            raise RequestError(400, "the Content-Type header has no boundary")
        self._limits = limits
        self._uploads: list[UploadedFile] = []
        self._field = self._value = b""
        self._name: str | None = None
        self._ended = False
        self._start()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._start,
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
        """Parse the next chunk of the body.

        Raises:
            RequestError: 400 if it is not a valid multipart body, 413 if it has too many files.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RequestError(400, f"the multipart body is broken; {HOW_TO_SEND}") from error

    def finish(self) -> list[UploadedFile]:
        """The files, after the last chunk.

        Raises:
            RequestError: The body ended early, or contains no file.
        """
        if not self._ended:
            raise RequestError(400, f"the multipart body ends early; {HOW_TO_SEND}")
        if not self._uploads:
            raise RequestError(400, "no file in the request; with curl: -F files=@cell.bmp")
        return self._uploads

    def close(self) -> None:
        """Release the files, which the cycle of parser and reader would keep alive."""
        self._parser.callbacks = {}
        self._uploads = []
        self._start()

    def _start(self) -> None:
        """Reset the state of the current part."""
        self._disposition, self._name, self._problem = b"", None, ""
        # Joined when the part ends; that is the only copy.
        self._pieces: list[memoryview] = []
        self._head, self._size = b"", 0

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
            limit = self._limits.request_images
            raise RequestError(413, f"more than {limit:,} files in one request; send fewer")
        self._name = decode_name(options[b"filename"], self._limits.name_length)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None or self._problem:  # a form field, or a file that is too large
            return
        if len(self._head) < HEAD_BYTES:
            self._head += data[start : min(end, start + HEAD_BYTES)]
        if len(self._pieces) == MAX_PIECES:  # a client that sends byte by byte
            self._pieces = [memoryview(b"".join(self._pieces))]
        self._pieces.append(memoryview(data)[start:end])
        self._size += end - start
        if self._size > self._limits.image_bytes and not is_zip(self._head):
            self._problem = too_large(self._limits)
            self._pieces = []

    def _part_end(self) -> None:
        if self._name is not None:
            refused = UploadedFile(self._name, problem=self._problem)
            data = b"".join(self._pieces)
            self._uploads.append(refused if self._problem else accept_file(self._name, data))
        self._start()

    def _end(self) -> None:
        self._ended = True


def decode_name(raw: bytes, limit: int) -> str:
    """Decode a file name from a header; browsers and curl send UTF-8."""
    return clean_name(raw.decode("utf-8", "replace"), limit)
