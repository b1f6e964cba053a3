import logging
import sys

import pytest

from leukoscope.core.progress import bars_are_shown, duration


def test_a_duration_has_the_unit_that_a_person_would_use() -> None:
    times = [duration(seconds) for seconds in (0.034, 12.3, 89, 200, 1000, 7200, 40000)]
    assert times == ["0.034 s", "12 s", "89 s", "3.3 min", "17 min", "2.0 h", "11 h"]


@pytest.mark.parametrize(("level", "shown"), [(0, True), (logging.INFO, True), (30, False)])
def test_no_bar_moves_where_only_warnings_are_shown(monkeypatch, level: int, shown: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(logging.getLogger("leukoscope"), "level", level)
    assert bars_are_shown() == shown
