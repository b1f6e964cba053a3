"""The words for the two classes in labels and folders, and further ones that a user gives."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.printable import as_seen
from leukoscope.core.shell_words import pair_option
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN

CLASS_WORDS = {
    **dict.fromkeys(("all", "blast", "blasts", "leukemic", "leukemia", "leukaemia"), ALL),
    **dict.fromkeys(("hem", "normal", "healthy", "benign"), HEM),
}
"""Words for a class, in any case, in labels and as folders. No other word is guessed."""
LABEL_WORDS = {
    **CLASS_WORDS,
    **dict.fromkeys(("1", "1.0", "1,0", "true"), ALL),
    **dict.fromkeys(("0", "0.0", "0,0", "false"), HEM),
    **dict.fromkeys(("-1", "-1.0"), UNKNOWN),
}
BLANK_WORDS = frozenset(
    (
        "",
        "nan",
        "na",
        "n/a",
        "#n/a",
        "#na",
        "<na>",
        "nat",
        "none",
        "null",
        "nil",
        "unknown",
        "unk",
        "undefined",
        "missing",
        "not available",
        "?",
        "-",
        "--",
        ".",
    )
)
"""Words for "unknown", in any case."""


def label_of(value: object, words: Mapping[str, int] | None = None) -> int | None:
    """The label of a word; None if the word is not known.

    Args:
        value: The word.
        words: Further words, in lower case, which come first.
    """
    word = as_seen(str(value)).strip().lower()
    if words and word in words:
        return words[word]
    return UNKNOWN if word in BLANK_WORDS else LABEL_WORDS.get(word)


def how_to_name(words: Sequence[str]) -> str:
    """Advice to name the class of some words, in a sentence; there are only two classes."""
    shown = ", ".join(map(repr, words[:6])) + (", ..." if len(words) > 6 else "")
    several = f" There are {len(words)} unknown words ({shown}):" if len(words) > 1 else ""
    example = words[0] if words else "WORD"
    option = pair_option("--labels", "all", example)
    return (
        f"{several} Name the class of a word: {option}, or hem= in place of all=; unknown= for "
        "cells of neither. There are two classes, so group others."
    ).strip()


def class_of_folder(parts: Iterable[str], words: Mapping[str, int] | None = None) -> int | None:
    """The class that folders give, innermost first; None if none of them names one.

    Args:
        parts: Names of the folders from the outermost to the innermost.
        words: Further words, in lower case, which come first.
    """
    known = {**CLASS_WORDS, **(words or {})}
    for part in reversed(tuple(parts)):
        label = known.get(part.strip().lower())
        if label is not None:
            return label
    return None


def parse_labels(
    values: np.ndarray,
    source: Path | str,
    *,
    unit: str = "line",
    first: int = 2,
    words: Mapping[str, int] | None = None,
) -> np.ndarray:
    """Convert the words of `LABEL_WORDS`, 1/0 or blank to int8 labels.

    Args:
        values: (n,) text.
        source: Where they were read, for the message.
        unit: Unit of the position in the message: "line" or "row".
        first: The number of the first value in that count.
        words: Further words for the classes.

    Raises:
        CohortError: Another value, with its line; or 1 and -1 are the two classes.
    """
    labels = np.empty(len(values), dtype=np.int8)
    for row, value in enumerate(values):
        label = label_of(value, words)
        if label is None:
            others = sorted({str(v).strip()[:40] for v in values if label_of(v, words) is None})
            raise CohortError(
                f"{source}, {unit} {row + first}: label {str(value)[:80]!r} is not known; "
                "use ALL or 1 for leukemic, HEM or 0 for normal, or leave it blank. "
                + how_to_name(others)
            )
        labels[row] = label
    minus = sum(str(value).strip() in ("-1", "-1.0") for value in values)
    if minus and ALL in labels and HEM not in labels:
        raise CohortError(
            f"{source}: the labels are 1 and -1 ({minus} rows); -1 means unknown here, and no cell "
            "would be normal. Write 0 or HEM for normal."
        )
    return labels
