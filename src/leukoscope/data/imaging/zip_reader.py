"""Unpack a file of a ZIP piece by piece, so that a limit stops it before memory is full.

`zipfile` unpacks bzip2 and LZMA without a bound: a few kilobytes become gigabytes in one call. Here
every method gives at most `CHUNK` bytes at a time.
"""

import bz2
import copy
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

CHUNK = 256 * 1024
LARGEST_WINDOW = 1 << 28
"""Limit on the memory of LZMA. A larger window than the limit on images is never needed."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Inflate:
    """Deflate with the interface of the decompressors of bz2 and lzma."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail or data, max_length)


def _lzma(packed: IO[bytes]) -> lzma.LZMADecompressor:
    """Read the header of an LZMA stream in a ZIP: version, length, and five bytes of properties."""
    _, length = struct.unpack("<HH", packed.read(4))
    code, window = struct.unpack("<BI", packed.read(length)[:5])
    options = {"lc": code % 9, "lp": code // 9 % 5, "pb": code // 45}
    window = max(4096, min(window, LARGEST_WINDOW))
    chain = [{"id": lzma.FILTER_LZMA1, "dict_size": window, **options}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)


METHODS: dict[int, Callable[[IO[bytes]], _Decompressor] | None] = {
    zipfile.ZIP_STORED: None,
    zipfile.ZIP_DEFLATED: lambda _: _Inflate(),
    zipfile.ZIP_BZIP2: lambda _: bz2.BZ2Decompressor(),
    zipfile.ZIP_LZMA: _lzma,
}
"""The methods of compression that are unpacked."""


def unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the content of a file in pieces of at most `CHUNK` bytes.

    Args:
        archive: The opened ZIP.
        info: The record of the file in its directory, with a method of `METHODS`.

    Raises:
        Exception: The file is damaged; each method of compression has errors of its own. Also if
            it is longer, shorter or other than the directory says.
    """
    raw = copy.copy(info)  # the packed bytes, as if they were a stored file
    raw.compress_type, raw.file_size = zipfile.ZIP_STORED, info.compress_size
    del raw.CRC
    size = crc = 0
    with archive.open(raw) as packed:
        for piece in _pieces(packed, info.compress_type):
            size, crc = size + len(piece), zlib.crc32(piece, crc)
            if size > info.file_size:
                break
            yield piece
    if (size, crc) != (info.file_size, info.CRC):
        raise zipfile.BadZipFile("its length or checksum is not that of the directory")


def _pieces(packed: IO[bytes], method: int) -> Iterator[bytes]:
    make = METHODS[method]
    if make is None:
        while piece := packed.read(CHUNK):
            yield piece
        return
    decompressor = make(packed)
    while not decompressor.eof:
        data = packed.read(CHUNK) if decompressor.needs_input else b""
        piece = decompressor.decompress(data, CHUNK)
        if piece:
            yield piece
        elif not data:  # it ends early, or without a mark
            return
