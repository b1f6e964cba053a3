"""The place for a model file: nothing else is replaced, and one process at a time writes there."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leukoscope.core.errors import FileError
from leukoscope.core.files import keep_inputs, locked


def require_model_place(
    out: Path | str, inputs: Iterable[object], images: Iterable[object]
) -> None:
    """Refuse a place for a model file.

    Args:
        out: The model file to write.
        inputs: What is read: a model, a table; anything but a path is passed over.
        images: Paths of the cells.

    Raises:
        FileError: It is an input, the model of a run, or a folder, or its folder cannot be written.
    """
    from leukoscope.training.run import MODEL, RECIPE

    out = Path(out)
    if out.is_dir():
        raise FileError(f"{out}: is a folder; name a file.")
    keep_inputs([out], inputs)
    if out.exists():
        keep_inputs([out], images)
    if out.name == MODEL and (out.parent / RECIPE).is_file():
        raise FileError(
            f"{out}: the model of a run is stored there, and its report would not match the new "
            "model; choose another name."
        )
    folder = next(one for one in out.absolute().parents if one.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise FileError(f"{out}: cannot be written into {folder}; name another folder.")


@contextmanager
def only_writer(out: Path | str) -> Iterator[None]:
    """Let one process at a time make a model file, as `train` does for a run folder.

    Raises:
        FileError: Another process is making it, or its folder cannot be written.
    """
    out = Path(out)
    stem = os.fsdecode(os.fsencode(out.name)[:80])  # names are limited in bytes
    lock = out.with_name(f".{stem}.lock")
    with locked(lock, wait=False) as mine:
        if not mine:
            raise FileError(
                f"{out}: another process is writing this model file; wait for it to end, or choose "
                "another --out."
            )
        try:
            yield
        finally:
            with suppress(OSError):  # Windows deletes no open file
                lock.unlink()
