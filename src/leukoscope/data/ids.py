"""Ids of subjects and persons as people write them: blank ones, one id in several writings, and
ids that a spreadsheet rounded.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from leukoscope.core.files import natural_key
from leukoscope.core.printable import as_seen
from leukoscope.data.class_words import BLANK_WORDS

FEWEST_IDS = 20
"""Ids from which it is no accident that each has one image."""
NEARLY_ALL = 0.9
"""Fraction of ids for so many images from which the ids are probably those of images."""

SPREADSHEET_DIGITS = 15
"""Digits of a number that a spreadsheet keeps; the rest become zeros."""
_POWER = re.compile(r"\d(?:[.,]\d+)?e\+\d{1,3}|\d[.,]\d+e\d{1,3}|#{4,}")
"""A number in powers of ten, or the signs of a column that is too narrow for it."""
_LONG = re.compile(rf"\d{{{SPREADSHEET_DIGITS}}}(?P<rest>\d+)")
_DASHES = "\\-\u2010-\u2015\u2212"
_MARKS = re.compile(rf"[\s_{_DASHES}'\"`#\u00b4\u2018-\u201f]+")
_WORDS = re.compile(
    rf"^(?:(?:patient|subject|person|pat|subj|pt|id)(?:[\s_.:#{_DASHES}]+|(?=\d|id\b)))+(?=\w)"
)


def clean_id(value: object) -> str:
    """The id of a subject or person without blanks around it; "" for a word for "unknown"."""
    text = " ".join(str(value).split())
    return "" if as_seen(text).strip().lower() in BLANK_WORDS else text


def id_key(name: str) -> str:
    """The part of an id that stays the same however it is written.

    These are alike: "H 010" and "h10"; "7", "007", "7.0", "7,0", "'7", "#7" and "Patient 7"; "A-1"
    and the same with a long dash; letters with an accent as one or two characters; and an id
    with a character that cannot be seen.
    """
    key = unicodedata.normalize("NFKC", as_seen(name)).casefold()
    key = _MARKS.sub("", _WORDS.sub("", key.strip())).rstrip(".,;:")
    key = re.sub(r"^([+]?\d+)[.,]0+$", r"\1", key)
    return re.sub(r"(?<!\d)0+(?=\d)", "", key) or name


def alike(ids: Iterable[str]) -> list[list[str]]:
    """Groups of ids that `id_key` cannot tell apart."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(ids) - {""}, key=lambda name: (natural_key(name), name)):
        groups.setdefault(id_key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def quoted(group: Sequence[str]) -> list[str]:
    """Ids in quotes; with escapes where they would look the same."""
    same = len({unicodedata.normalize("NFC", name) for name in group}) < len(group)
    return [ascii(name) if same else repr(name) for name in group]


def alike_notes(ids: Iterable[str]) -> list[str]:
    """A note that names the ids that are written alike, and what splits do with them."""
    groups = alike(ids)
    if not groups:
        return []
    shown = "; ".join(" and ".join(quoted(group)[:4]) for group in groups[:5])
    more = f"; and {len(groups) - 5} more" if len(groups) > 5 else ""
    return [
        f"Subject ids that may be one person written in several ways: {shown}{more}. They count as "
        "different subjects, but a split over persons keeps them in one subset; write each person "
        "in one way."
    ]


def rounded(ids: Iterable[str]) -> list[str]:
    """The distinct ids that a spreadsheet probably rounded, so that several persons may share one.

    These are numbers in powers of ten, such as "1.23457E+11" or "1,23457E+11"; cells of "#" signs;
    and numbers of more than 15 digits, if all of them have only zeros after the 15th.
    """
    keys = {
        name: unicodedata.normalize("NFKC", as_seen(name)).strip(" '\"").lower() for name in ids
    }
    long = {name: match["rest"] for name, key in keys.items() if (match := _LONG.fullmatch(key))}
    cut = not "".join(long.values()).strip("0") and len("".join(long.values())) > 1
    found = [name for name, key in keys.items() if _POWER.fullmatch(key) or (cut and name in long)]
    return sorted(found, key=lambda name: (natural_key(name), name))


def rounded_note(ids: Iterable[str]) -> str:
    """A remark on ids that a spreadsheet probably rounded; "" without any."""
    found = rounded(ids)
    if not found:
        return ""
    shown = ", ".join(quoted(found)[:4])
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    return (
        f"Ids that a spreadsheet probably rounded: {shown}{more}. Different persons may share one "
        "of them and count as one. Export the table again, with the column of ids as text."
    )


def id_notes(subjects: Iterable[str], persons: Iterable[str] = ()) -> list[str]:
    """Remarks on the ids of a cohort: written alike, or probably rounded."""
    subjects = list(subjects)
    line = rounded_note([*subjects, *persons])
    return [*alike_notes(subjects), *([line] if line else [])]


def are_of_images(ids: Iterable[str]) -> bool:
    """True if nearly every image has an id of its own: these are probably not ids of persons.

    Args:
        ids: The id of each image, "" if unknown.
    """
    known = [name for name in ids if name]
    distinct = len(set(known))
    return distinct >= FEWEST_IDS and distinct >= NEARLY_ALL * len(known)
