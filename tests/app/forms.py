"""Bodies of requests, byte by byte as a browser or an attacker would send them."""

import io
import zipfile
from collections.abc import Iterable, Mapping

BOUNDARY = b"----LeukoscopeTest7MA4YWxkTrZu0gW"
TYPE = "multipart/form-data; boundary=" + BOUNDARY.decode()


def part(name: bytes, data: bytes, *, extra: bytes = b"") -> bytes:
    """One file of a multipart body; `name` goes into the header as it is."""
    head = b'Content-Disposition: form-data; name="files"; filename="' + name + b'"\r\n'
    return b"--" + BOUNDARY + b"\r\n" + head + extra + b"\r\n" + data + b"\r\n"


def field(name: bytes, value: bytes) -> bytes:
    """A form field that is no file."""
    head = b'Content-Disposition: form-data; name="' + name + b'"\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + head + value + b"\r\n"


def form(parts: Iterable[bytes]) -> bytes:
    """A whole body."""
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def files(named: Mapping[str, bytes]) -> bytes:
    """A whole body with these files."""
    return form(part(name.encode(), data) for name, data in named.items())


def zipped(
    members: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]],
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A ZIP with these members."""
    buffer = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in pairs:
            archive.writestr(name, data, compress_type=method)
    return buffer.getvalue()
