"""The official C-NMC 2019 layout: file names, folds, the preliminary test set's label file.

Source: A. Gupta, R. Gupta, "ALL Challenge dataset of ISBI 2019 (C-NMC 2019)", The Cancer Imaging
Archive, 2019, doi 10.7937/tcia.2019.dc64i46r.
"""

import re
from dataclasses import dataclass

ALL, HEM, UNKNOWN = 1, 0, -1
LABEL_NAMES = {ALL: "ALL", HEM: "HEM", UNKNOWN: ""}

CITATION = (
    "A. Gupta, R. Gupta. ALL Challenge dataset of ISBI 2019 (C-NMC 2019). "
    "The Cancer Imaging Archive, 2019. doi 10.7937/tcia.2019.dc64i46r"
)
DOI = "10.7937/tcia.2019.dc64i46r"
LICENSE = "CC BY 3.0"

PRELIMINARY = "C-NMC_test_prelim_phase_data"
FINAL = "C-NMC_test_final_phase_data"
PRELIMINARY_COLUMNS = ("Patient_ID", "new_names", "labels")

_SUFFIX = r"(?:\.[A-Za-z0-9]{1,5})?"
FILE_NAME_PATTERN = r"UID_([A-Za-z0-9-]{1,40})_([0-9]{1,9})_([0-9]{1,9})_(all|hem)" + _SUFFIX
"""Pattern of a whole official file name: subject, image, cell and class, with or without a suffix.

It means the same in Python and in JavaScript, as the API serves it to the page.
"""
_FILE_NAME = re.compile(FILE_NAME_PATTERN)
_COPY_NAME = re.compile(
    FILE_NAME_PATTERN.removesuffix(_SUFFIX)
    + r"(?: ?\([0-9]{1,4}\)| ?- ?copy(?: ?\([0-9]{1,4}\))?| copy(?: [0-9]{1,4})?)*"
    + _SUFFIX,
    re.IGNORECASE,
)
"""The name in any case, and of a copy that a file manager made: "(1)", "- Copy", "copy 2"."""


@dataclass(frozen=True)
class CellName:
    """The fields of an official file name.

    Attributes:
        subject: Official subject id, verbatim ("57", "H10", "h3").
        image: Number of the microscope image.
        cell: Number of the cell in that image.
        label: ALL (1) or HEM (0).
    """

    subject: str
    image: int
    cell: int
    label: int


def parse_name(name: str) -> CellName | None:
    """Parse `UID_<subject>_<image>_<cell>_<all|hem>.<ext>`; None for a name of another form."""
    match = _FILE_NAME.fullmatch(name) or _COPY_NAME.fullmatch(name.strip(" "))
    if match is None:
        return None
    subject, image, cell, label = match.groups()
    return CellName(subject, int(image), int(cell), ALL if label.lower() == "all" else HEM)


def fold_of(parts: tuple[str, ...]) -> str:
    """Find the official fold in the folders of a path: "0", "1", "2", "prelim", "final" or ""."""
    for part in reversed(parts):
        lower = part.lower()
        if re.fullmatch(r"fold_[0-9]", lower):
            return lower[-1]
        if lower == PRELIMINARY.lower():
            return "prelim"
        if lower == FINAL.lower():
            return "final"
    return ""
