"""Show the log of the library on standard error, one plain line per record, as the commands do.

Library code only logs, to `leukoscope.*`; without this, or a configuration of the user's own,
Python shows warnings and nothing else.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.core.printable import LONGEST_ERROR, cut, show

LOGGER = logging.getLogger("leukoscope")


class StandardError(logging.Handler):
    """Write to what `sys.stderr` is at the moment, which a progress bar replaces while it moves."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            lines = self.format(record).split("\n")
            show("\n".join(cut(line, LONGEST_ERROR) for line in lines), file=sys.stderr)
        except Exception:
            self.handleError(record)


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Show records of level INFO and above within the block."""
    handler, level = StandardError(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def is_shown() -> bool:
    """True if records of level INFO are shown to somebody, for processes started from here."""
    return LOGGER.isEnabledFor(logging.INFO)
