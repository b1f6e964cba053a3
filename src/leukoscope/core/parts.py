"""Parts: temporary files and folders under a hidden name, renamed when they are complete.

A part is locked as long as its writer lives, so that what killed writers left can be told from what
is being written. The operating system releases the lock of a process that ends in any way. Windows
deletes no open file, so an open descriptor is enough there. Not every network drive passes locks on
to other machines: the parts of those are removed only when they are a day old.
"""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leukoscope.core.errors import FileError
from leukoscope.core.write_errors import writing_error

try:
    import fcntl

    LOCKS = True
except ModuleNotFoundError:  # on Windows
    LOCKS = False

HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:4]  # in the names of its parts
PART = re.compile(r"\..*\.([0-9a-f]{4})[0-9a-f]{4}\.part(\.[^.]+)?", re.DOTALL)
DAY = 86_400  # seconds
ATTEMPTS = 5  # a part can be swept between its creation and its lock, though hardly ever

_held: dict[Path, int] = {}  # the descriptors of the parts that this process writes
_swept: set[Path] = set()


@contextmanager
def part_of(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a new, locked, empty part beside `path`; it is removed at the end if it is still there.

    Parts of killed writers in the same folder are removed first, once for each process.

    Args:
        path: The final name.
        folder: Make a folder instead of a file.

    Raises:
        FileError: Nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parent = path.parent.absolute()
        if parent not in _swept:
            _swept.add(parent)
            sweep(parent)
        part = _create(path, folder)
    except OSError as error:
        raise writing_error(error, path) or error from error
    try:
        yield part
    finally:
        _release(part)
        with suppress(OSError):  # a folder that became read-only keeps it
            _remove(part)


def publish(part: Path, path: Path) -> None:
    """Rename a complete part to its final name, once its content is on the disk."""
    with part.open("r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())
    is_part = _release(path)  # one that is written by way of another
    if not LOCKS:
        _release(part)
    _replace(part, path)
    if is_part:
        descriptor = _held.pop(part, None)
        _held[path] = os.open(path, os.O_RDWR) if descriptor is None else descriptor


def sweep(folder: Path) -> list[Path]:
    """Remove the parts in a folder that no process holds, and return them."""
    removed = []
    with suppress(OSError):
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if _may_be_left(entry)]
        for part in found:
            with suppress(OSError):
                if _remove_if_free(part):
                    removed.append(part)
    return removed


def _may_be_left(entry: "os.DirEntry[str]") -> bool:
    """True for a part of this machine, or an old one of another."""
    named = PART.fullmatch(entry.name)
    if named is None:
        return False
    if named[1] == HOST:
        return True
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY
    except OSError:  # its writer was faster
        return False


def _create(path: Path, folder: bool) -> Path:
    for _ in range(ATTEMPTS):
        stem = os.fsdecode(os.fsencode(path.stem)[:80])  # names are limited in bytes
        part = path.with_name(f".{stem}.{HOST}{secrets.token_hex(2)}.part{path.suffix}")
        if part.exists():
            continue
        if folder:
            part.mkdir()
            if not LOCKS:  # Windows opens no folder
                return part
            descriptor = os.open(part, os.O_RDONLY)
        else:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(descriptor)
        if _names(part, descriptor):
            _held[part] = descriptor
            return part
        os.close(descriptor)
    raise FileError(f"{path}: another program removes its temporary files.")


def _remove_if_free(part: Path) -> bool:
    """Remove a part unless it is locked; where locks do not work, it stays."""
    if not LOCKS:
        part.unlink()  # refused while it is open, and for folders
        return True
    descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not _lock(descriptor) or not _names(part, descriptor):
            return False
        _remove(part)
    finally:
        os.close(descriptor)
    return True


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _lock(descriptor: int) -> bool:
    if not LOCKS:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a file system without locks
        return False
    return True


def _names(path: Path, descriptor: int) -> bool:
    """True if a path still leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _release(part: Path) -> bool:
    descriptor = _held.pop(part, None)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def _replace(part: Path, path: Path) -> None:
    """Rename; on Windows again for two seconds, while a reader or a virus scanner has it open."""
    for _ in range(0 if LOCKS else 20):
        with suppress(PermissionError):
            part.replace(path)
            return
        time.sleep(0.1)
    part.replace(path)
