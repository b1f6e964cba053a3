"""JSON text as every record of the package is written: indented, and without NaN."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def json_text(body: Mapping[str, Any]) -> str:
    """Write a record as JSON text; NaN and infinity, which JSON lacks, become null."""
    return json.dumps(finite(body), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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
