"""Lists of names in a message."""

from collections.abc import Iterable

from leukoscope.core.files import natural_key

SHOWN = 8


def listed(names: Iterable[str], shown: int = SHOWN) -> str:
    """The first of some names in natural order, and the number of the others."""
    ordered = sorted(map(str, names), key=natural_key)
    rest = len(ordered) - shown
    return ", ".join(ordered[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
