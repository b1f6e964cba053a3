"""Fingerprints on disk, for cohorts whose fingerprints would not fit into memory."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import overload

import numpy as np

from leukoscope.data.audit.fingerprint import SHADE_GRID, TEXTURE_GRID, Fingerprint

IN_MEMORY = 20_000  # fingerprints, some 0.5 GB; of more cells only those at work are held
_SHADE = 4 * SHADE_GRID**2
_TEXTURE = TEXTURE_GRID**2
_MASK = TEXTURE_GRID**2 // 8
_LENGTH = _SHADE + _TEXTURE + _MASK


@dataclass(frozen=True)
class Stored:
    """The place of a fingerprint in a store, and what is often asked of it."""

    store: "PrintStore"
    number: int
    area: float
    offset: tuple[float, float]
    framed: bool
    step: float

    def load(self) -> Fingerprint:
        """Read the fingerprint."""
        shade, texture, mask = self.store.read(self.number)
        return Fingerprint(
            np.frombuffer(shade, np.float32).reshape(SHADE_GRID, SHADE_GRID),
            np.frombuffer(texture, np.int8).reshape(TEXTURE_GRID, TEXTURE_GRID),
            np.unpackbits(np.frombuffer(mask, np.uint8))
            .astype(bool)
            .reshape(TEXTURE_GRID, TEXTURE_GRID),
            self.area,
            self.offset,
            self.framed,
            self.step,
        )


class PrintStore:
    """A temporary file of fingerprints, 20 KB each, which several threads may use."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="leukoscope-")  # noqa: SIM115
        self._lock = threading.Lock()
        self._count = 0

    def add(self, one: Fingerprint) -> Stored:
        """Write a fingerprint."""
        content = one.shade.astype(np.float32).tobytes() + one.texture.tobytes()
        content += np.packbits(one.mask).tobytes()
        with self._lock:
            number, self._count = self._count, self._count + 1
            self._file.seek(number * _LENGTH)
            self._file.write(content)
        return Stored(self, number, one.area, one.offset, one.framed, one.step)

    def read(self, number: int) -> tuple[bytes, bytes, bytes]:
        """Shade, texture and mask of a fingerprint."""
        with self._lock:
            self._file.seek(number * _LENGTH)
            content = self._file.read(_LENGTH)
        return content[:_SHADE], content[_SHADE : _SHADE + _TEXTURE], content[_SHADE + _TEXTURE :]

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


@contextmanager
def print_store(count: int) -> Iterator[PrintStore | None]:
    """A store for the block if so many fingerprints do not fit into memory, else None."""
    store = PrintStore() if count > IN_MEMORY else None
    try:
        yield store
    finally:
        if store:
            store.close()


class Prints(Sequence[Fingerprint]):
    """Fingerprints in memory or in a store, as one sequence."""

    def __init__(self, items: Sequence[Fingerprint | Stored]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, row: int) -> Fingerprint: ...
    @overload
    def __getitem__(self, row: slice) -> "Prints": ...
    def __getitem__(self, row: int | slice) -> "Fingerprint | Prints":
        if isinstance(row, slice):
            return Prints(self.items[row])
        item = self.items[row]
        return item if isinstance(item, Fingerprint) else item.load()
