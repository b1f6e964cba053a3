"""Label files: the CSV of the preliminary test set, and similar tables of image name and label."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from leukoscope.core.csv_text import csv_rows, decode_text
from leukoscope.core.errors import CohortError
from leukoscope.core.files import sha256_file
from leukoscope.core.tables import Table, read_table
from leukoscope.data.class_words import parse_labels
from leukoscope.data.cnmc.cnmc import PRELIMINARY, PRELIMINARY_COLUMNS, UNKNOWN, parse_name
from leukoscope.data.ids import clean_id
from leukoscope.data.words import Headings, standard_names

OFFICIAL_NAME = f"{PRELIMINARY}_labels.csv"
NAME_COLUMNS, LABEL_COLUMNS = ("new_names", "path", "name"), ("labels", "label")


@dataclass(frozen=True)
class Entry:
    """Entry of a label file for one image.

    Attributes:
        label: ALL (1), HEM (0) or unknown (-1).
        subject: Official subject id, "" if unknown.
        conflict: True if the original file name gives another label.
    """

    label: int
    subject: str
    conflict: bool


def find_label_file(folder: Path, tables: Iterable[Path]) -> Path | None:
    """Find the CSV of the preliminary set among `tables`, or else in `folder`.

    It is recognized by its columns, also where a spreadsheet program saved it again.

    Raises:
        CohortError: There are several with different content.
    """
    files: dict[str, Path] = {}  # by content: copies of one file count once
    for table in (*tables, folder / OFFICIAL_NAME):
        if table.is_file() and (
            _header(table) >= _OFFICIAL_COLUMNS or table.name.lower() == OFFICIAL_NAME.lower()
        ):
            files.setdefault(_content(table), table)
    if len(files) > 1:
        names = ", ".join(map(str, files.values()))
        raise CohortError(f"{folder}: several label files ({names}); keep the right one only.")
    return next(iter(files.values()), None)


def _content(path: Path) -> str:
    """A key that copies of a label file share, whatever program saved them."""
    try:
        return repr(sorted(read_label_file(path).items()))
    except CohortError:
        return sha256_file(path)


def read_label_file(path: Path | str) -> dict[str, Entry]:
    """Read a label file into a mapping from image name to entry.

    The official columns are Patient_ID (the original name, which includes the subject), new_names
    and labels (1 is ALL). Other tables have path or name, label, and optionally subject.

    Raises:
        CohortError: A column is missing, a label is unknown, or an image has two labels.
    """
    path = Path(path)
    wanted = (*NAME_COLUMNS, *LABEL_COLUMNS, "Patient_ID", "subject")
    table = _known_columns(read_table(path, text=Headings(wanted)))
    name_column = next((name for name in NAME_COLUMNS if name in table), None)
    label_column = next((name for name in LABEL_COLUMNS if name in table), None)
    if name_column is None or label_column is None:
        raise CohortError(
            f"{path}: a label file has the columns {', '.join(PRELIMINARY_COLUMNS)}, or "
            f"path, label and subject (found: {', '.join(table)})."
        )
    labels = parse_labels(table[label_column], path)
    originals = table.get("Patient_ID", [""] * len(labels))
    subjects = table.get("subject", [""] * len(labels))
    entries: dict[str, Entry] = {}
    checked = conflicts = 0
    rows = zip(table[name_column], labels, originals, subjects, strict=True)
    for line, (name, label, original, subject) in enumerate(rows, start=2):
        entry = _entry(int(label), str(original).strip(), clean_id(subject))
        checked += label != UNKNOWN and parse_name(str(original)) is not None
        conflicts += entry.conflict
        if entries.setdefault(_file_name(str(name)), entry) != entry:
            raise CohortError(
                f"{path}, line {line}: {name} is listed twice with different entries; keep one."
            )
    if conflicts >= 2 and 2 * conflicts > checked:
        raise CohortError(
            f"{path}: {conflicts} of {checked} names say the other class; are 0 and 1 swapped? "
            "ALL (leukemic) is 1, HEM (normal) is 0."
        )
    return entries


def _known_columns(table: Table) -> Table:
    """The columns of a label file under their usual names, whatever their case and blanks."""
    official = {_plain(name): name for name in (*PRELIMINARY_COLUMNS, *NAME_COLUMNS)}
    named = {official.get(_plain(name), name): values for name, values in table.items()}
    if "new_names" in named:
        return named
    original = named.pop("Patient_ID", None)
    if original is not None and not any(parse_name(str(name)) for name in original):
        named["patient_id"], original = original, None
    named, _ = standard_names(named, "")
    return named if original is None else {**named, "Patient_ID": original}


def _plain(heading: str) -> str:
    return "".join(letter for letter in heading.lower() if letter not in " _-")


_OFFICIAL_COLUMNS = {_plain(name) for name in PRELIMINARY_COLUMNS}


def _entry(label: int, original: str, subject: str) -> Entry:
    parsed = parse_name(original)
    if parsed is None:
        return Entry(label, subject, conflict=False)
    conflict = label not in (parsed.label, UNKNOWN)
    return Entry(UNKNOWN if conflict else label, subject or parsed.subject, conflict)


def _file_name(text: str) -> str:
    text = text.strip()
    return (PureWindowsPath(text) if "\\" in text else PurePosixPath(text)).name


def _header(path: Path) -> set[str]:
    """The plain headings of a table; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(10_000)
        text = decode_text(start[: len(start) // 2 * 2])
        lines = [line for line in text.splitlines() if line.strip()]
        head = lines[:2] if lines[0].lower().lstrip('"').startswith("sep=") else lines[:1]
        names, _, _ = csv_rows("\n".join(head), path)
    except (OSError, ValueError, IndexError, csv.Error, CohortError):
        return set()
    return {_plain(name) for name in names}
