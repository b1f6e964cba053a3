"""Options of reading that have no effect on a data set: refused, or named in one line."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from leukoscope.core.errors import CohortError
from leukoscope.core.wording import count
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.options import ReadingOptions

_log = logging.getLogger(__name__)


def refuse_columns(options: ReadingOptions, source: Path | str, what: str = "a folder") -> None:
    """Refuse headings where there is no table.

    Raises:
        CohortError: The options name headings.
    """
    if options.columns:
        raise CohortError(
            f"{source}: {what} has no headings; leave out --columns, or give a table."
        )


def check_pattern(
    options: ReadingOptions, source: Path | str, paths: Sequence[Path | str], known: Sequence[str]
) -> None:
    """Check that the pattern of subjects can act.

    Args:
        options: The options.
        source: The data set, for the message.
        paths: Paths of the images.
        known: The subject of each by its official name or a table, "" if none; these come first.

    Raises:
        CohortError: It matches no path without a subject.
    """
    if not options.pattern or not len(paths):
        return
    without = [path for path, subject in zip(paths, known, strict=True) if not subject]
    if not without:
        _log.warning(
            "%s: --subject-pattern is not used: the table or the official names give the subject "
            "of each image.",
            source,
        )
    elif not any(options.subject_of(path) for path in without):
        raise CohortError(
            f"{source}: --subject-pattern {options.pattern!r} finds no subject in "
            f"{count(len(without), 'path')}, such as {Path(without[0]).as_posix()}"
        )


def subjects_of(
    named: Sequence[tuple[str, str]], options: ReadingOptions, checked: bool
) -> list[str]:
    """Subjects of images: as given, else by the pattern; "" leaves it to an official name.

    Args:
        named: Path and subject of each image; "" where none is given.
        options: The options.
        checked: Refuse a pattern that finds none.

    Raises:
        CohortError: See `check_pattern`.
    """
    official = [parse_name(Path(path).name) for path, _ in named]
    known = [
        given or (name.subject if name else "")
        for (_, given), name in zip(named, official, strict=True)
    ]
    if checked:
        check_pattern(options, "the images", [path for path, _ in named], known)
    return [
        given if name else given or options.subject_of(path)
        for (path, given), name in zip(named, official, strict=True)
    ]


def check_words(options: ReadingOptions, source: Path | str, found: Iterable[str]) -> None:
    """Say so if none of the user's words for the classes is there.

    Args:
        options: The options.
        source: The data set, for the message.
        found: Labels or names of folders.
    """
    if options.words and not any(word.strip().lower() in options.words for word in found):
        words = ", ".join(map(repr, list(options.words)[:6]))
        _log.warning("%s: --labels is not used: no label or folder is named %s.", source, words)
