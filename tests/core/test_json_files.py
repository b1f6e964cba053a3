import json
import math

import numpy as np

from leukoscope.core.json_files import finite, json_text


def test_what_json_lacks_becomes_null_at_any_depth() -> None:
    body = {"a": [1.5, math.nan, (math.inf, "x")], "b": {"c": np.float32("nan"), "d": np.int64(3)}}
    assert json.loads(json_text(body)) == {"a": [1.5, None, [None, "x"]], "b": {"c": None, "d": 3}}


def test_other_values_stay_as_they_are() -> None:
    for value in (True, None, "nan", 0, -0.0, [], {}):
        assert finite(value) == value
        assert type(finite(value)) is type(value)


def test_half_surrogates_of_file_names_are_written_as_escapes() -> None:
    text = json_text({"path": "Gr\udcf6\udcdfe.bmp", "note": "\\udcf6 é"})
    assert text.encode("utf-8")
    assert json.loads(text) == {"path": "Gr\udcf6\udcdfe.bmp", "note": "\\udcf6 é"}
