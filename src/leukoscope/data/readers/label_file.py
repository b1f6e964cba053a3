"""Labels that come beside the images: the preliminary test set's CSV, and tables of the same
use.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from leukoscope.core.errors import CohortError
from leukoscope.core.files import sha256_file
from leukoscope.core.tables import read_table
from leukoscope.data.cnmc.cnmc import PRELIMINARY, PRELIMINARY_COLUMNS, UNKNOWN, parse_name
from leukoscope.data.cohort import parse_labels

OFFICIAL_NAME = f"{PRELIMINARY}_labels.csv"
NAME_COLUMNS, LABEL_COLUMNS = ("new_names", "path", "name"), ("labels", "label")


@dataclass(frozen=True)
class Entry:
    """What a label file says of one image.

    Attributes:
        label: ALL (1), HEM (0) or unknown (-1).
        subject: Official subject id, "" where unknown.
        conflict: The original name in the file says another label.
    """

    label: int
    subject: str
    conflict: bool


def find_label_file(folder: Path, tables: Iterable[Path]) -> Path | None:
    """The preliminary set's CSV among `tables`, or else in `folder`; copies of one file count once.

    Raises:
        CohortError: Several that differ.
    """
    found: dict[str, Path] = {}
    for table in (*tables, folder / OFFICIAL_NAME):
        if table.is_file() and _header(table) >= set(PRELIMINARY_COLUMNS):
            found.setdefault(sha256_file(table), table)
    if len(found) > 1:
        names = ", ".join(map(str, found.values()))
        raise CohortError(f"{folder}: several label files ({names}); name the right one (labels=).")
    return next(iter(found.values()), None)


def read_label_file(path: Path | str) -> dict[str, Entry]:
    """Image name to what the file says of it.

    The official columns are Patient_ID (the original name, which holds the subject), new_names and
    labels (1 is ALL). Others may write path or name, label, and if known subject.

    Raises:
        CohortError: Not such a table, an unknown label, or two labels for one image.
    """
    path = Path(path)
    table = read_table(path, text=(*NAME_COLUMNS, *LABEL_COLUMNS, "Patient_ID", "subject"))
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
    rows = zip(table[name_column], labels, originals, subjects, strict=True)
    for line, (name, label, original, subject) in enumerate(rows, start=2):
        entry = _entry(int(label), str(original).strip(), str(subject).strip())
        if entries.setdefault(_file_name(str(name)), entry) != entry:
            raise CohortError(
                f"{path}, line {line}: {name} stands in the file twice and differs; keep one."
            )
    return entries


def _entry(label: int, original: str, subject: str) -> Entry:
    told = parse_name(original)
    if told is None:
        return Entry(label, subject, conflict=False)
    conflict = label not in (told.label, UNKNOWN)
    return Entry(UNKNOWN if conflict else label, subject or told.subject, conflict)


def _file_name(text: str) -> str:
    text = text.strip()
    return (PureWindowsPath(text) if "\\" in text else PurePosixPath(text)).name


def _header(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return {name.strip().strip('"') for name in file.readline(10_000).split(",")}
    except OSError:
        return set()
