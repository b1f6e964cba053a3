from leukoscope.core.progress import duration


def test_a_duration_has_the_unit_that_a_person_would_use() -> None:
    times = [duration(seconds) for seconds in (0.034, 12.3, 89, 200, 1000, 7200, 40000)]
    assert times == ["0.034 s", "12 s", "89 s", "3.3 min", "17 min", "2.0 h", "11 h"]
