"""Select the images of a list of names, so that results on a part of a data set can be repeated.

A list is a text file with one name per line, or a table with the column `path`. A name matches an
image by its file name, and by as many of the folders above it as the name has; case and suffix do
not matter, so that a list of .bmp files selects their copies in another format. An image that an
audit has recognized as an official one matches by its official path too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path, PurePosixPath

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.tables import SUFFIXES, read_table
from leukoscope.data.cohort import Cohort

MEASURED = "cnmc-7071"
"""Name of the list in the package: the C-NMC training images of the published results."""
SHOWN = 3

_Name = tuple[str, ...]  # the parts of a path, last first, lower case, the first without suffix


def select_only(cohort: Cohort, names: Path | str) -> Cohort:
    """Select the images that a list names; a note says which names have no image.

    Args:
        cohort: The cells.
        names: A text file or a table, or `MEASURED`.

    Raises:
        CohortError: The list cannot be read or is empty, or none of its names is in the cohort.
    """
    listed = _read_names(names)
    if not listed:
        raise CohortError(f"{names}: names no image; write one file name per line.")
    wanted: dict[str, list[tuple[_Name, int]]] = {}
    for number, text in enumerate(listed):
        name = _parts(text)
        wanted.setdefault(name[0], []).append((name, number))
    found: set[int] = set()
    keep = np.zeros(len(cohort), bool)
    official = cohort["official"] if "official" in cohort else [""] * len(cohort)
    for row, texts in enumerate(zip(cohort["path"], official, strict=True)):
        for text in filter(None, texts):
            path = _parts(str(text))
            same = [number for name, number in wanted.get(path[0], ()) if path[: len(name)] == name]
            found.update(same)
            keep[row] |= bool(same)
    absent = [text for number, text in enumerate(listed) if number not in found]
    if not keep.any():
        raise CohortError(
            f"{names}: none of its {len(listed):,} images is in {cohort.source or 'the data set'}; "
            f"the first is {listed[0]}."
        )
    note = f"--only {names}: {int(keep.sum()):,} of {len(cohort):,} images"
    if absent:
        shown = ", ".join(absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        note += f"; {len(absent):,} of {len(listed):,} names have no image here: {shown}"
    selected = cohort.select(np.flatnonzero(keep))
    return replace(selected, notes=(*selected.notes, f"{note}."))


def _parts(path: str) -> _Name:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    name = parts[-1] if parts else ""
    stem, dot, _ = name.rpartition(".")
    return tuple(part.lower() for part in (stem if dot else name, *reversed(parts[:-1])))


def _read_names(names: Path | str) -> Sequence[str]:
    if str(names) == MEASURED and not Path(names).exists():
        text = (files("leukoscope.data.cnmc") / f"{MEASURED}.txt").read_text("utf-8")
        return list(_lines(text))
    path = Path(names).expanduser()
    if path.suffix.lower() in SUFFIXES:
        table = read_table(path, text=("path",))
        if "path" not in table:
            raise CohortError(f"{path}: has no column 'path'; a list names the images there.")
        return [str(name) for name in table["path"] if str(name).strip()]
    try:
        return list(_lines(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(
            f"{path}: cannot be read as a list of names ({error}); give a text file with one "
            f"file name per line, a table with the column path, or {MEASURED}."
        ) from error


def _lines(text: str) -> Iterator[str]:
    """Names of a text; empty lines and those that begin with # are skipped."""
    for line in text.splitlines():
        name = line.strip()
        if name and not name.startswith("#"):
            yield name
