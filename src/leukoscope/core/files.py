"""Files: atomic writing, locks, hashing, and the order a person would put names in."""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that replaces it when the block succeeds.

    A reader sees the old file or the whole new one, never a part. The temporary name keeps the
    suffix, for libraries that choose a format by it. Missing parent folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:80]}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def locked(path: Path | str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a file, made where it is missing, so that one process at a time has it.

    The lock ends with the block, and with the process, however that ends; the file stays.

    Args:
        path: Of the lock.
        wait: For whoever has it; else go on without.

    Yields:
        Whether this process has it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def sha256_file(path: Path | str) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which "2" comes before "10" and "H2" before "H10"."""
    runs = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(run), run) if run.isdecimal() else (1, 0, run) for run in runs)
