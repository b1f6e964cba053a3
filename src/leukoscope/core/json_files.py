"""JSON text as every record of the package is written: indented, and without NaN."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_SURROGATE = re.compile("[\ud800-\udfff]")


def json_text(body: Mapping[str, Any]) -> str:
    """Write a record as JSON text; NaN and infinity, which JSON lacks, become null."""
    text = json.dumps(finite(body), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return escape_surrogates(text)


def escape_surrogates(text: str) -> str:
    """JSON text with half surrogates, of file names that are not UTF-8, as JSON escapes."""
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def finite(value: Any) -> Any:
    """A value that JSON can hold: NaN and infinity as None, NumPy scalars as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
