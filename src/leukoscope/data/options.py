"""Options to read folders and tables of a user: words for the classes, columns, subjects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from leukoscope.core.errors import CohortError
from leukoscope.core.shell_words import split_pairs
from leukoscope.data.class_words import CLASS_WORDS
from leukoscope.data.cnmc.cnmc import LABEL_NAMES, UNKNOWN
from leukoscope.data.ids import clean_id
from leukoscope.data.words import SYNONYMS

GROUP = "subject"
"""Name of the group in a pattern that is the subject, where it has several."""
NO_CLASS = ("unknown", "none", "skip")
"""Names for "no label" in a mapping of labels."""


@dataclass(frozen=True)
class ReadingOptions:
    """Options of `read_cohort`.

    Attributes:
        words: Further words for a class, in lower case: ALL (1), HEM (0) or unknown (-1).
        columns: Headings of a table by the name of the column: path, label, subject, person, fold.
        pattern: Finds the subject in a path; "" for none.
    """

    words: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    pattern: str = ""

    def subject_of(self, path: Path | str) -> str:
        """The subject in a path, with "/" between its parts; "" if the pattern does not match."""
        if not self.pattern:
            return ""
        found = re.search(self.pattern, Path(path).as_posix())
        if found is None:
            return ""
        names = found.groupdict()
        text = names[GROUP] if GROUP in names else found[1 if found.re.groups else 0]
        return clean_id(text or "")


NO_OPTIONS = ReadingOptions()


def reading_options(
    *,
    labels: Mapping[str, object] | str | None = None,
    columns: Mapping[str, str] | str | None = None,
    subject_pattern: str | None = None,
) -> ReadingOptions:
    """Check the options of `read_cohort`.

    Args:
        labels: Words for the classes: "all=blast,hem=lymphocyte" or a mapping. One side of a pair
            is a name of the class, the other a word of the data. "unknown=debris" reads a word as
            no label.
        columns: Headings of a table: "path=file,subject=patient" or a mapping.
        subject_pattern: Regular expression that finds the subject in a path; its group `subject`,
            else its first group, else the whole match.

    Raises:
        CohortError: An option cannot be understood.
    """
    words: dict[str, int] = {}
    for left, right in _pairs(labels, "--labels", "all=blast,hem=normal"):
        word, label = _class_of(left, right)
        if words.setdefault(word, label) != label:
            raise CohortError(f"--labels: {word!r} is assigned to both classes; name it once.")
    headings: dict[str, str] = {}
    for name, heading in _pairs(columns, "--columns", "path=file,subject=patient"):
        if name.lower() not in SYNONYMS:
            raise CohortError(
                f"--columns: {name!r} is not a column of a cohort; the name comes first and is one "
                f"of {', '.join(SYNONYMS)}, as in path=file,subject=patient."
            )
        headings[name.lower()] = heading
    if subject_pattern:
        try:
            re.compile(subject_pattern)
        except re.error as error:
            raise CohortError(
                f"--subject-pattern: {subject_pattern!r} is not a regular expression ({error}); "
                "patient_34/field.png has the subject 34 with patient_(\\w+)/"
            ) from None
    return ReadingOptions(words, headings, subject_pattern or "")


def _pairs(
    given: Mapping[str, object] | str | None, option: str, example: str
) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, str):
        return [(str(name).strip(), str(value).strip()) for name, value in given.items()]
    pairs = []
    for left, right in split_pairs(given):
        if not (left and right):
            raise CohortError(f"{option}: {left!r} is not a pair; write it as {example}.")
        pairs.append((left, right))
    return pairs


def _class_of(left: str, right: str) -> tuple[str, int]:
    """The word of the data in a pair, and its class."""
    known = {**CLASS_WORDS, **dict.fromkeys(NO_CLASS, UNKNOWN)}
    first, second = known.get(left.lower()), known.get(right.lower())
    if first is not None and second is not None and first != second:
        raise CohortError(
            f"--labels: {left}={right} names both {LABEL_NAMES[first] or 'unknown'} and "
            f"{LABEL_NAMES[second] or 'unknown'}; one side must be a word of your data."
        )
    if first is not None:
        return right.lower(), first
    if second is not None:
        return left.lower(), second
    raise CohortError(
        f"--labels: {left}={right} names no class; write all=WORD or hem=WORD, or unknown=WORD "
        "for cells that are neither. There are only two classes: assign other types of cells to "
        "them."
    )
