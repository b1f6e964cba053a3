"""Progress bars for people, silence for scripts; and times in the unit that a person would use."""

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from leukoscope.core.processes import is_first_process

T = TypeVar("T")


def bars_are_shown() -> bool:
    """True if standard error is a terminal, and the log is not limited to warnings.

    Of processes that train together, the first one draws.
    """
    shown = logging.getLogger("leukoscope").level <= logging.INFO
    return sys.stderr.isatty() and shown and is_first_process()


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Pass `items` on, drawing a bar with the time left where bars are shown.

    Args:
        items: What to iterate over.
        description: A few words shown before the bar.
        total: How many items will come, where `len(items)` does not tell.
    """
    if not bars_are_shown():
        yield from items
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=description)


def duration(seconds: float) -> str:
    """A time as text: "0.034 s", "12 s", "3.3 min", "2.0 h"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
