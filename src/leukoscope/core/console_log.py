"""Show the log of the library on standard error, one plain line per record, as the commands do.

Library code only logs, to `leukoscope.*`; without this, or a configuration of the user's own,
Python shows warnings and nothing else.
"""

import logging
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.core.printable import LONGEST_ERROR, cut, show
from leukoscope.core.processes import is_first_process

LOGGER = logging.getLogger("leukoscope")
SERVER = ("leukoscope.access", "leukoscope.app")
"""Loggers of the server, in whose log two equal lines are two events."""
REMEMBERED = 1_000
"""Lines that are recognized when they come again."""


class StandardError(logging.Handler):
    """Write to what `sys.stderr` is at the moment, which a progress bar replaces while it moves.

    A line that was shown before is not shown again: a study or a comparison runs the same steps on
    the same cells many times. With the level DEBUG each line is shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: OrderedDict[str, None] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, unless the same line was printed before."""
        try:
            text = self.format(record)
            if self._is_repeated(record, text):
                return
            lines = text.split("\n")
            show("\n".join(cut(line, LONGEST_ERROR) for line in lines), file=sys.stderr)
        except Exception:
            self.handleError(record)

    def _is_repeated(self, record: logging.LogRecord, text: str) -> bool:
        if str(record.name).startswith(SERVER) or LOGGER.isEnabledFor(logging.DEBUG):
            return False
        known = text in self._known
        self._known[text] = None
        self._known.move_to_end(text)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known


@contextmanager
def log_to_stderr(level: int = logging.INFO) -> Iterator[None]:
    """Show records of a level and above within the block; `set_level` changes it.

    Of processes that train together, the first one logs; the others show errors only.
    """
    handler, before = StandardError(), LOGGER.level
    if not is_first_process():
        handler.setLevel(logging.ERROR)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)


def set_level(level: int) -> None:
    """Show records of this level and above from now on."""
    LOGGER.setLevel(level)


def shown_level() -> int:
    """The level from which records are shown, for processes started from here."""
    return LOGGER.getEffectiveLevel()


def is_shown() -> bool:
    """True if records of level INFO are shown to somebody, for processes started from here."""
    return LOGGER.isEnabledFor(logging.INFO)
