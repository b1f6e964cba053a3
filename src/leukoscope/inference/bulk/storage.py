"""The storage of the parts of a job: a folder that all machines see, or a store behind a URL.

A part appears whole or not at all: a local file by one rename, an object by one request.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from leukoscope.core.errors import FileError
from leukoscope.core.files import atomic_path
from leukoscope.core.write_errors import writing_error
from leukoscope.inference.bulk.remote import file_system, is_url

PART_FILE = re.compile(r"part-\d{6,}-[0-9a-f]{16}\.parquet")


class Storage(Protocol):
    """Files of a job by name, without folders below."""

    def names(self) -> set[str]:
        """The files that are there."""

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if it does not exist."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place, whole."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


def open_storage(out: str) -> Storage:
    """The storage at a path or URL."""
    return UrlStorage(out) if is_url(out) else FolderStorage(Path(out))


class FolderStorage:
    """A folder; on a cluster one that is mounted on every machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        """The files that are there."""
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if not path.name.startswith(".")}

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if it does not exist."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise writing_error(error, self._folder / name) or error from error

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place, whole."""
        with atomic_path(self._folder / name) as temporary:
            temporary.write_bytes(content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(OSError):
            (self._folder / name).unlink()


class UrlStorage:
    """A store behind a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._system, self._root = file_system(url.rstrip("/"))

    def names(self) -> set[str]:
        """The files that are there."""
        self._system.invalidate_cache()
        with self._errors():
            try:
                found = self._system.ls(self._root, detail=False)
            except FileNotFoundError:
                return set()
        return {str(name).rsplit("/", 1)[-1] for name in found}

    def read(self, name: str) -> bytes | None:
        """Content of a file; None if it does not exist."""
        with self._errors():
            try:
                return bytes(self._system.cat_file(f"{self._root}/{name}"))
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place, whole."""
        with self._errors():
            self._system.pipe_file(f"{self._root}/{name}", content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(Exception):
            self._system.rm_file(f"{self._root}/{name}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each driver has errors of its own
            reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
            raise FileError(f"{self._url}: cannot be used ({reason}).") from error
