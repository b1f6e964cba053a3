"""Files: atomic writing, hashing, and the order a person would put names in."""

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


def sha256_file(path: Path | str) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which "2" comes before "10" and "H2" before "H10"."""
    runs = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(run), run) if run.isdecimal() else (1, 0, run) for run in runs)
