"""The data set that each cell is from. Ids of subjects mean something within one data set only.

A cell is from C-NMC 2019 if its image is an official one (`cnmc.recognize`). Otherwise it is from
the data set that the column `data_source` names, and without that from an unknown one. A file with
the name of an official image but other content may be an altered copy: unless the table names its
source, its ids are compared with those of C-NMC and with those of other unknown sources.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePath

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.listing import listed
from leukoscope.core.tables import text_column
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.cnmc.official import official_images
from leukoscope.data.cnmc.recognize import official_file
from leukoscope.data.cohort import Cohort

CNMC = "C-NMC 2019"
OWN = ""
"""Of cells whose source nobody named."""
OWN_NAME, UNKNOWN_LICENSE = "own data", "license unknown"
LONGEST = 200  # characters of the name of a source or license
Sources = frozenset[str]


def declared(cohort: Cohort, name: str | None, license: str | None = None) -> Cohort:
    """Name the source of all cells, and the license of the data.

    Args:
        cohort: The cells.
        name: The data set; None leaves what the table says.
        license: Its license, for example "CC BY 4.0"; None if unknown.

    Raises:
        CohortError: The name is blank or too long, or a license has no name beside it.
    """
    if name is None and license is None:
        return cohort
    for what, text in (("source", name), ("license", license)):
        if text is not None and not 0 < len(" ".join(text.split())) <= LONGEST:
            raise CohortError(f"the {what} of the data needs a name of 1 to {LONGEST} characters.")
    if name is None:
        raise CohortError("the license is of a data set: name it too, with --data-source.")
    rows = len(cohort)
    return cohort.with_columns(
        data_source=[canonical(name)] * rows,
        data_license=[" ".join(license.split()) if license else ""] * rows,
    )


def canonical(name: str) -> str:
    """The name without superfluous blanks; C-NMC in any of its writings is `CNMC`."""
    text = " ".join(name.split())
    plain = re.sub(r"[\W_]+", "", text).casefold()
    return CNMC if plain in ("cnmc", "cnmc2019", "isbi2019cnmc", "cnmcleukemia") else text


def is_official(cohort: Cohort) -> np.ndarray:
    """Mask of the rows whose image is an official one of C-NMC 2019, bool (N,)."""
    known = cohort["official"] if "official" in cohort else [""] * len(cohort)
    return np.array(
        [
            bool(path) or bool(sha256 and official_file(sha256))
            for path, sha256 in zip(known, cohort["sha256"], strict=True)
        ],
        bool,
    )


def row_sources(cohort: Cohort) -> list[Sources]:
    """The sources that each cell may be from: one, or two where only the file name says C-NMC."""
    named = cohort["data_source"] if "data_source" in cohort else [""] * len(cohort)
    rows = zip(is_official(cohort), named, cohort["path"], strict=True)
    return [_sources(*row) for row in rows]


def comparable(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether the same id in two sources may be the same subject.

    It may within one source, and where one is unknown: the other may be the same. Unknown images
    are no official ones, so C-NMC is not among these.
    """
    a, b = set(one), set(other)
    return bool(a & b) or (OWN in a and b != {CNMC}) or (OWN in b and a != {CNMC})


def qualified(cohort: Cohort, column: str) -> np.ndarray:
    """Ids of subjects or persons, each of one data set: with its name where two data sets share it.

    Args:
        cohort: The cells.
        column: "subject" or "person".

    Returns:
        (N,) ids, "" if unknown. Of the data sets that share an id, C-NMC keeps it, or else the
        first by name. An id that also has cells of an unknown source is left as it is: a wrong link
        costs a little data, and a missed one is a leak.
    """
    main = _main(cohort)
    if len(set(main)) < 2:
        return cohort[column]
    found: dict[str, set[str]] = {}
    for name, source in zip(cohort[column], main, strict=True):
        found.setdefault(name, set()).add(source)
    return text_column(
        [
            _qualified(name, source, found[name])
            for name, source in zip(cohort[column], main, strict=True)
        ]
    )


def source_notes(cohort: Cohort) -> list[str]:
    """Notes on the ids that several data sets share; none if there is no such id."""
    found: dict[str, set[str]] = {}
    for name, source in zip(cohort["subject"], _main(cohort), strict=True):
        found.setdefault(name, set()).add(source)
    shared = {name: of for name, of in found.items() if name and len(of) > 1}
    apart = [name for name, of in shared.items() if OWN not in of]
    joined = [name for name, of in shared.items() if OWN in of]
    where = f"are in several data sets ({', '.join(names(cohort))})"
    notes = []
    if apart:
        notes.append(f"The subject ids {listed(apart)} {where} and count as different subjects.")
    if joined:
        notes.append(
            f"The subject ids {listed(joined)} {where}, one of them unknown, and count as the "
            "same subjects. If they are others, name the data set of each row in a column "
            "data_source."
        )
    return notes


def names(cohort: Cohort) -> list[str]:
    """The names of the sources of a cohort, in order."""
    return sorted(name or OWN_NAME for name in set(_main(cohort)))


def _main(cohort: Cohort) -> list[str]:
    """The probable source of each row."""
    return [CNMC if CNMC in sources else min(sources) for sources in row_sources(cohort)]


def _sources(official: bool, named: str, path: str) -> Sources:
    if official:
        return frozenset({CNMC})
    if named:
        return frozenset({canonical(named)})
    return frozenset({CNMC, OWN}) if _has_official_name(path) else frozenset({OWN})


def _has_official_name(path: str) -> bool:
    parsed = parse_name(PurePath(path.replace("\\", "/")).name)
    return parsed is not None and parsed in _official_names()


@lru_cache(maxsize=1)
def _official_names() -> frozenset[object]:
    return frozenset(parse_name(image.name) for image in official_images()) - {None}


def _qualified(name: str, source: str, sharing: set[str]) -> str:
    if not name or len(sharing) < 2 or OWN in sharing:
        return name
    first = CNMC if CNMC in sharing else min(sharing)
    return name if source == first else f"{name} ({source})"
