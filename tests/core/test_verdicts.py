"""The table of verdicts."""

from leukoscope.core.verdicts import ANSWERS, FROM_PROBABILITY, VERDICTS, Verdict


def test_the_table_names_every_verdict_once() -> None:
    assert sorted(info.verdict for info in VERDICTS) == sorted(Verdict)
    assert all(info.plural and info.meaning and info.color for info in VERDICTS)
    assert len({info.color for info in VERDICTS}) == len(VERDICTS)


def test_the_answers_are_the_two_classes_and_follow_from_the_probability() -> None:
    assert {info.label for info in VERDICTS if info.is_answer} == {"ALL", "HEM"}
    assert ANSWERS < FROM_PROBABILITY
    assert Verdict.NOT_A_CELL not in FROM_PROBABILITY
