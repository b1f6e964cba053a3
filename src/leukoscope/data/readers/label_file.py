"""Label files: the CSV of the preliminary test set, and similar tables of image name and label."""

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

    Raises:
        CohortError: There are several with different content.
    """
    files: dict[str, Path] = {}  # by hash: copies of one file count once
    for table in (*tables, folder / OFFICIAL_NAME):
        if table.is_file() and _header(table) >= set(PRELIMINARY_COLUMNS):
            files.setdefault(sha256_file(table), table)
    if len(files) > 1:
        names = ", ".join(map(str, files.values()))
        raise CohortError(f"{folder}: several label files ({names}); name the right one (labels=).")
    return next(iter(files.values()), None)


def read_label_file(path: Path | str) -> dict[str, Entry]:
    """Read a label file into a mapping from image name to entry.

    The official columns are Patient_ID (the original name, which includes the subject), new_names
    and labels (1 is ALL). Other tables have path or name, label, and optionally subject.

    Raises:
        CohortError: A column is missing, a label is unknown, or an image has two labels.
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
                f"{path}, line {line}: {name} is listed twice with different entries; keep one."
            )
    return entries


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
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return {name.strip().strip('"') for name in file.readline(10_000).split(",")}
    except OSError:
        return set()
