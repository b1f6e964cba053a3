"""Files: atomic writing, locks, hashing, and the natural order of names."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leukoscope.core.errors import FileError
from leukoscope.core.parts import part_of, publish
from leukoscope.core.write_errors import error_within, writing_error

PATHS = (str, os.PathLike)


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that replaces it when the block succeeds.

    A reader sees the old file or the whole new one, never a part. The temporary name keeps the
    suffix, for libraries that choose a format by it. Missing parent folders are made. What killed
    writers left in the folder is removed.

    Raises:
        FileError: The file cannot be written: no space, a read-only folder.
    """
    path = Path(path)
    with part_of(path) as part:
        try:
            yield part
            publish(part, path)
        except Exception as error:
            problem = error_within(error, part, path)
            if problem is None:
                raise
            raise problem from error


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that gets its name when the block succeeds.

    `path` may be an empty folder.

    Raises:
        FileError: The folder or a file in it cannot be written.
    """
    path = Path(path)
    with part_of(path, folder=True) as part:
        try:
            yield part
            if path.is_dir():
                path.rmdir()  # Windows renames onto no folder
            part.replace(path)
        except Exception as error:
            problem = error_within(error, part, path)
            if problem is None:
                raise
            raise problem from error


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, atomically; half surrogates, of file names, as backslash escapes."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextmanager
def locked(path: Path | str, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on a file, between processes.

    The operating system releases the lock at the end of the block or of the process, even one
    that is killed.

    Args:
        path: The lock file; it is made where it is missing, and holds nothing.
        wait: Wait for the process that holds the lock; otherwise return at once.

    Yields:
        True if this process holds the lock.

    Raises:
        FileError: The lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(blocking=wait)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise writing_error(error, path) or error from error
    try:
        yield True
    finally:
        lock.release()


def keep_inputs(outputs: Iterable[object], inputs: Iterable[object]) -> None:
    """Refuse to write a file over an input or over another output.

    Args:
        outputs: Files to write; None for one that is not asked for.
        inputs: What is read; anything but a path is passed over.

    Raises:
        FileError: One file has two uses.
    """
    used = {os.path.realpath(one): "is an input" for one in inputs if isinstance(one, PATHS)}
    for output in outputs:
        if isinstance(output, PATHS):
            place = os.path.realpath(output)
            if place in used:
                raise FileError(f"{os.fspath(output)}: {used[place]}; choose another name.")
            used[place] = "is named for two outputs"


def sha256_file(path: Path | str) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which "2" comes before "10" and "H2" before "H10"."""
    runs = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(run), run) if run.isdecimal() else (1, 0, run) for run in runs)
