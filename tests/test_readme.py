"""The files and tests that tests/README.md names exist."""

import re

from tests.root import ROOT

TESTS = ROOT / "tests"
NAMED = re.compile(r"`([\w/]+\.py)?(?:::(\w+))?`")  # `file.py`, `file.py::test` or `::test`


def test_every_test_named_in_the_readme_exists() -> None:
    missing, file, count = [], "", 0
    for path, name in NAMED.findall((TESTS / "README.md").read_text("utf-8")):
        file = path or file
        text = (TESTS / file).read_text("utf-8") if (TESTS / file).is_file() else ""
        if f"def {name}" not in text if name else not text:
            missing.append(f"{file}::{name}")
        count += 1
    assert missing == []
    assert count > 40
