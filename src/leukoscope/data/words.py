"""Headings, ids and paths in the tables of users, as other programs write them."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

import numpy as np

from leukoscope.core.csv_text import readable
from leukoscope.core.errors import CohortError
from leukoscope.core.printable import as_seen
from leukoscope.core.shell_words import pair_option
from leukoscope.core.tables import Table, text_column
from leukoscope.core.wording import count

SYNONYMS = {
    "path": (
        "paths",
        "file",
        "files",
        "filename",
        "filepath",
        "image",
        "imagepath",
        "imagefile",
        "imagename",
        "img",
        "imgpath",
        "imagefilename",
        "fullpath",
    ),
    "label": ("labels", "class", "classes", "classname", "classlabel", "target", "diagnosis"),
    "subject": (
        "subjects",
        "subjectid",
        "patient",
        "patients",
        "patientid",
        "case",
        "caseid",
        "donor",
        "donorid",
        "participant",
        "participantid",
    ),
    "person": ("personid",),
    "fold": ("folds",),
}
"""Headings read as a column, without case, blanks and underscores."""


_AUDIT_CELL = re.compile("[0-9a-f]{16}")


class Headings(Collection[str]):
    """Names of columns, which contain a heading in any case and by its synonyms."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_plain(name) for name in names}
        for name in tuple(self._names):
            self._names.update(SYNONYMS.get(name, ()))

    def __contains__(self, name: object) -> bool:
        return _plain(str(name)) in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def standard_names(
    table: Table, source: Path | str, columns: Mapping[str, str] | None = None
) -> tuple[Table, list[str]]:
    """Rename the columns that a cohort knows to its own names.

    A heading that the user names comes first, then one in its own name, then one that differs by
    case or blanks, then a synonym.

    Args:
        table: The columns.
        source: Where they were read, for messages.
        columns: Headings that the user names, by the name of the column.

    Returns:
        The table, and a note for each synonym.

    Raises:
        CohortError: Two headings could be the same column, or a named one is absent.
    """
    renamed: dict[str, str] = {}
    notes = []
    table = _named_by_user(table, source, columns or {})
    for name, synonyms in SYNONYMS.items():
        if name in table:
            continue
        same = [heading for heading in table if _plain(heading) == name]
        others = [heading for heading in table if _plain(heading) in synonyms]
        candidates = same or others
        if len(candidates) > 1:
            raise CohortError(
                f"{source}: the columns {', '.join(map(repr, candidates))} could each be {name}; "
                f"choose one: {pair_option('--columns', name, candidates[0])}."
            )
        if candidates:
            renamed[candidates[0]] = name
            if not same:
                notes.append(f"The column {candidates[0]!r} is read as {name}.")
    table = {renamed.get(heading, heading): values for heading, values in table.items()}
    return table, [*notes, *_unused_notes(table)]


def other_columns(table: Iterable[str], name: str) -> list[str]:
    """Headings that would be read as a column, too, if the table did not have that column."""
    return [heading for heading in table if heading != name and _plain(heading) in SYNONYMS[name]]


def _unused_notes(table: Table) -> list[str]:
    """A note for each other column of subjects that groups the rows differently."""
    notes = []
    for name in ("subject", "label"):
        for heading in other_columns(table, name) if name in table else ():
            used, other = (list(map(str, table[column])) for column in (name, heading))
            if name == "label" and any(word.strip() for word in used):
                continue  # compared by `readers.label_check`
            pairs = len(set(zip(used, other, strict=True)))
            if not any(word.strip() for word in other) or pairs == len(set(used)) == len(
                set(other)
            ):
                continue
            notes.append(
                f"The column {heading!r} is not used, because the column {name!r} is, and they "
                f"differ ({count(len(set(used)), 'value')} in {name!r}, {len(set(other))} in "
                f"{heading!r}). To use it: {pair_option('--columns', name, heading)}."
            )
    return notes


def _named_by_user(table: Table, source: Path | str, columns: Mapping[str, str]) -> Table:
    """Give the headings that a user names their names; another column of that name is left
    out, and other headings for it get the prefix "own_", so that the choice holds in later steps.
    """
    named: dict[str, str] = {}
    for name, heading in columns.items():
        same = [own for own in table if own == heading] or [
            own for own in table if _plain(own) == _plain(heading)
        ]
        if len(same) != 1:
            found = ", ".join(map(str, table))
            near = get_close_matches(heading, map(str, table), 1)
            hint = f" Or did you mean {pair_option('--columns', name, near[0])}?" if near else ""
            raise CohortError(
                f"{source}: has no column {heading!r} for {name} (found: {found}).{hint}"
            )
        named[same[0]] = name
    taken = set(columns)
    settled = {own for name in taken for own in other_columns(table, name)} - set(named)
    return {
        named.get(own, f"own_{own}" if own in settled else own): values
        for own, values in table.items()
        if own in named or own not in taken
    }


def heading_like(headings: Iterable[str], name: str) -> str:
    """The one heading that has a synonym of a column in it, as "patient no" for subject; or ""."""
    words = (name, *SYNONYMS[name])
    found = [own for own in headings if any(word in _plain(own) for word in words)]
    return found[0] if len(found) == 1 else ""


def fill_persons(given: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Fill blank persons: with the person of another row of the subject, or else the subject.

    Args:
        given: (N,) person of each row, "" if the table gives none.
        subjects: (N,) subject of each row, "" if unknown.
    """
    person_of: dict[str, str] = {}
    for person, subject in zip(given, subjects, strict=True):
        if person and subject:
            person_of.setdefault(subject, person)
    pairs = zip(given, subjects, strict=True)
    return text_column([person or person_of.get(subject, subject) for person, subject in pairs])


def keep_own_cells(table: Table) -> tuple[Table, list[str]]:
    """Rename a column `cell` that no audit wrote, since `cell` means that the rows are audited.

    An audit writes hexadecimal digits beside the hash of the file.

    Returns:
        The table, and a note if the column was renamed.
    """
    name, own = "cell", "own_cell"
    if name not in table:
        return table, []
    cells = map(str, table[name])
    if "sha256" in table and all(cell == "" or _AUDIT_CELL.fullmatch(cell) for cell in cells):
        return table, []
    note = f"The column {name!r} is not that of an audit; it is kept as {own!r}."
    return {own if key == name else key: values for key, values in table.items()}, [note]


def local_path(name: str, raw: str, base: Path) -> Path:
    """The path that a table means: with "~", "file:" and backslashes, relative to `base`.

    Where several readings are possible, the first that exists is taken.

    Args:
        name: The path without blanks around it.
        raw: The path as written.
        base: Folder of the table, absolute.
    """
    if name[:5].lower() == "file:":
        from urllib.request import url2pathname  # slow to import

        parts = urlsplit(name)
        host = "" if parts.netloc.lower() in ("", "localhost") else f"//{parts.netloc}"
        return base / url2pathname(host + parts.path)
    plain = _as_path(name, base)
    if os.path.lexists(plain):
        return plain
    readings = [raw, readable_or_same(name), _unescaped(name), name.replace("\\", "/")]
    for text in readings:
        if text != name and os.path.lexists(path := _as_path(text, base)):
            return path
    if "\\" in name and not PureWindowsPath(name).drive:
        return _as_path(name.replace("\\", "/"), base)
    return plain


def readable_or_same(text: str) -> str:
    """Text in cp1252 where that is possible."""
    try:
        return readable(text)
    except ValueError:
        return text


def _unescaped(text: str) -> str:
    """A name with the bytes that a table of this program writes as escapes: they are no UTF-8."""
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda byte: chr(0xDC00 + int(byte[1], 16)), text)


def _as_path(text: str, base: Path) -> Path:
    path = Path(text)
    if text.startswith(("~/", "~\\")) or text == "~":
        path = path.expanduser()
    return base / path


def _plain(heading: str) -> str:
    return re.sub(r"[\s_.-]+", "", as_seen(heading)).lower()
