"""One value where several are expected: public functions take either."""

import os
from collections.abc import Iterable
from typing import Any

SINGLE = (str, bytes, bytearray, memoryview, os.PathLike)
"""Types that Python can iterate over, or that stand for one thing, but are one value here."""


def several(given: Any, *, single: type | tuple[type, ...] = ()) -> Iterable[Any]:
    """Iterate over the values that a caller gave: one, or several.

    A text is one value and is never read letter by letter.

    Args:
        given: A value, or an iterable of them, which is returned as it is.
        single: Further types that are one value.
    """
    kinds = (*SINGLE, *(single if isinstance(single, tuple) else (single,)))
    is_one = isinstance(given, kinds) or not isinstance(given, Iterable)
    return [given] if is_one else given
