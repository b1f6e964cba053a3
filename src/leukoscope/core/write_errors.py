"""Errors of writing files in one form, whichever library met them: what, where, what to do next."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

from leukoscope.core.errors import FileError, LeukoscopeError

FULL = "free some space, or name a folder on another disk"
ELSEWHERE = "name a folder that you may write to"
ADVICE: Mapping[int, str] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: "the system limits the size of files (ulimit -f, or the file system)",
    errno.EROFS: ELSEWHERE,
    errno.EACCES: ELSEWHERE,
    errno.EPERM: ELSEWHERE,
    errno.EIO: "check the disk",
    errno.ESTALE: "check that the network drive is still there",
    errno.ENOENT: "check that the folder is still there",
    errno.ENOTDIR: "a part of this path is a file; name another folder",
    errno.EEXIST: "a part of this path is a file; name another folder",
    errno.EISDIR: "this is a folder; name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
}
# Errors that are about the written file even where they name none.
OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ESTALE}
OF_THE_MACHINE = OF_THE_DISK | {errno.EMFILE, errno.ENFILE}
OUT_OF_MEMORY = "not enough memory; close other programs, or work on a machine with more."
_NO_MEMORY = re.compile(
    r"alloc(ate|ation)|out of memory|not enough memory|start new thread|map segment",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"\(os error (\d+)\)")  # of libraries in Rust: safetensors, arro3


def error_number(error: BaseException) -> int | None:
    """The errno behind an error, also where a library states it in words only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _IN_TEXT.search(str(error))
    return int(found.group(1)) if found else None


def writing_error(error: BaseException, path: Path | str) -> FileError | None:
    """The error to show where a file could not be written; None if that was not the cause."""
    number = error_number(error)
    if number is None or number not in ADVICE:
        return None
    return FileError(f"{path}: cannot be written ({os.strerror(number)}); {ADVICE[number]}.")


def error_within(error: Exception, part: Path, path: Path) -> FileError | None:
    """The error to show for one met while `part` was written in place of `path`.

    Returns:
        None where the error is not about writing this file.
    """
    if str(part) in str(error) and isinstance(error, FileError):
        return FileError(str(error).replace(str(part), str(path)))
    if isinstance(error, LeukoscopeError):
        return None
    named = getattr(error, "filename", None)
    if isinstance(named, int):  # an open file
        return None
    if named is None and error_number(error) not in OF_THE_DISK:
        return None
    if named is not None and not Path(os.fsdecode(named)).is_relative_to(part):
        return None
    return writing_error(error, path)


def out_of_memory(error: BaseException) -> bool:
    """True if memory was lacking, also where a native library says so in words only."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, SystemError):  # of a library that did not look for a failed allocation
        return "exception" in str(error)
    native = isinstance(error, RuntimeError | ImportError)
    return native and _NO_MEMORY.search(str(error)) is not None
