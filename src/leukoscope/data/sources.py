"""The data set that each cell is from. Ids of subjects mean something within one data set only.

A cell is from C-NMC 2019 if its image is an official one (`cnmc.recognize`). Otherwise it is from
the data set that the column `data_source` names, and without that from an unknown one. A file with
the name of an official image but other content may be an altered copy: unless the table names its
source, it may be from C-NMC or from an unknown one, and its ids are compared with those of any.

`comparable` is the one rule for ids. The audit, splits and the comparison with the training data of
a model follow it.
"""

import re
from collections.abc import Iterable, Sequence
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


def comparable(one: Iterable[str], other: Iterable[str], *, one_table: bool = False) -> bool:
    """True if the same id in two sources may be the same subject.

    It may within one source, and where one is unknown, since that may be the other. Between two
    tables C-NMC is an exception: its images are recognized, so unknown ones are not from it. In one
    table the same id was written by the same author, and is the same subject also then.

    Args:
        one: The sources that a cell may be from.
        other: Those of another cell.
        one_table: The ids are from the same table.
    """
    a, b = set(one), set(other)
    if one_table:
        return bool(a & b) or OWN in a | b
    return bool(a & b) or (OWN in a and b != {CNMC}) or (OWN in b and a != {CNMC})


def qualified(cohort: Cohort, column: str) -> np.ndarray:
    """Ids of subjects or persons, each of one data set: with its name where two data sets share it.

    Args:
        cohort: The cells.
        column: "subject" or "person".

    Returns:
        (N,) ids, "" if unknown. Where an id is in data sets that are not `comparable`, directly or
        through others, C-NMC keeps it, or else the first by name.
    """
    sources = row_sources(cohort)
    if len(set(sources)) < 2:
        return cohort[column]
    groups = {name: _groups(of) for name, of in _sources_of(cohort[column], sources).items()}
    return text_column(
        [
            _qualified(name, own, groups[name]) if name else ""
            for name, own in zip(cohort[column], sources, strict=True)
        ]
    )


def source_notes(cohort: Cohort) -> list[str]:
    """Notes on the ids that several data sets share; none if there is no such id."""
    found = _sources_of(cohort["subject"], row_sources(cohort))
    groups = {name: _groups(of) for name, of in found.items()}
    apart = [name for name, of in groups.items() if len(of) > 1]
    joined = [
        name
        for name, of in groups.items()
        if any(len({_main_of(one) for one in found[name] if one <= group}) > 1 for group in of)
    ]
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
    return [_main_of(sources) for sources in row_sources(cohort)]


def _main_of(sources: Sources) -> str:
    return CNMC if CNMC in sources else min(sources)


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


def _sources_of(ids: Iterable[str], sources: Iterable[Sources]) -> dict[str, set[Sources]]:
    """The sources of the cells of each known id."""
    found: dict[str, set[Sources]] = {}
    for name, own in zip(ids, sources, strict=True):
        if name:
            found.setdefault(name, set()).add(own)
    return found


def _groups(found: Iterable[Sources]) -> list[Sources]:
    """Join the sources that are comparable, directly or through others."""
    groups: list[Sources] = []
    for one in found:
        near = [group for group in groups if comparable(group, one, one_table=True)]
        groups = [group for group in groups if group not in near] + [one.union(*near)]
    return groups


def _qualified(name: str, own: Sources, groups: Sequence[Sources]) -> str:
    labels = {group: min(group - {OWN}, default=OWN_NAME) for group in groups}
    first = min(groups, key=lambda group: (CNMC not in group, labels[group]))
    return name if own <= first else next(f"{name} ({labels[g]})" for g in groups if own <= g)
