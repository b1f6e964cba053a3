"""Rows, tables and what they come to per subject."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.statistics import wilson_interval
from leukoscope.core.tables import read_table
from leukoscope.core.verdicts import Verdict
from leukoscope.inference import results, summary
from leukoscope.inference.results import Prediction, in_file

ROWS = [
    results.as_row(prediction, "tiny")
    for prediction in (
        Prediction("d/UID_10_1_1_all.bmp", Verdict.BLAST, 0.9, 2.0),
        Prediction("d/UID_2_1_1_all.bmp", Verdict.NORMAL, 0.1, -2.0, ("no black border",)),
        Prediction("d/UID_2_1_2_all.bmp", Verdict.BLAST, 0.8, 1.5),
        Prediction("d/UID_H3_9_2_hem.bmp", Verdict.ERROR, reason='it is, "truncated"'),
        Prediction("d/UID_2_1_3_all.bmp", Verdict.NOT_A_CELL, flags=("empty",), reason="black"),
        Prediction("d/ünïcödé, 細胞.bmp", Verdict.NORMAL, 0.2, -1.0),
        Prediction("", Verdict.NORMAL, 0.2, -1.0),
    )
]


def test_the_subject_comes_from_the_official_name() -> None:
    assert [row["subject"] for row in ROWS] == ["10", "2", "2", "H3", "2", "", ""]
    assert all(tuple(row) == results.FIELDS for row in ROWS)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_tables_give_back_the_rows(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    outcome = summary.save(iter(ROWS), path)
    assert outcome == summary.summarize(ROWS)
    table = read_table(path)
    assert list(table) == list(results.FIELDS)
    for name in ("path", "subject", "verdict", "reason", "model", "flags"):
        assert [str(value or "") for value in table[name]] == [row[name] for row in ROWS]
    probabilities = [row["p_all"] for row in ROWS]
    found = [None if v is None or v == "" or v != v else float(v) for v in table["p_all"]]
    assert found == probabilities


def test_summary_per_subject() -> None:
    outcome = summary.summarize(ROWS)
    assert (outcome.rows, outcome.failed, outcome.exit_code) == (7, 1, 3)
    assert [one.subject for one in outcome.subjects] == ["2", "10", "H3", ""]
    two, _, none, _ = outcome.subjects
    assert (two.cells, two.blasts, two.fraction, two.not_answered) == (3, 1, 0.5, 1)
    assert (two.low, two.high) == wilson_interval(1, 2)
    assert (none.fraction, none.low, none.high, none.not_answered) == (None, None, None, 1)
    assert two.sentence() == (
        "Subject 2: 1 of 2 cells predicted as blasts (50.0%, 95 % interval 9.5% to 90.5%), "
        "1 not classified (1 not a cell)."
    )
    assert none.sentence() == "Subject H3: none of 1 cell could be classified (1 error)."
    assert outcome.subjects[3].sentence().startswith("Images without a subject: 0 of 2 cells")


def test_the_uncertain_are_counted_and_not_in_the_fraction() -> None:
    groups = [("7", "blast", 3), ("7", "normal", 1), ("7", "uncertain", 5), ("7", "error", 1)]
    (seven,) = summary.tally(groups).subjects
    assert (seven.cells, seven.fraction, seven.not_answered) == (10, 0.75, 6)
    assert (seven.uncertain, seven.not_cells) == (5, 0)
    assert seven.sentence().endswith("6 not classified (5 uncertain, 1 error).")
    (none,) = summary.tally([("7", "uncertain", 2), ("7", "not a cell", 1)]).subjects
    assert none.sentence() == (
        "Subject 7: none of 3 cells could be classified (2 uncertain, 1 not a cell)."
    )


def test_nothing_failed_is_exit_code_0() -> None:
    assert summary.summarize(ROWS[:2]).exit_code == 0
    # An image that holds no cell is an answer, not a failure.
    assert summary.summarize(ROWS[4:5]).exit_code == 0
    assert summary.summarize([]) == summary.Outcome(0, 0, ())


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "1", "H2"]), st.sampled_from(list(Verdict))), max_size=40
    )
)
def test_counts_add_up(pairs: list[tuple[str, Verdict]]) -> None:
    rows: list[dict[str, Any]] = [{"subject": s, "verdict": str(v)} for s, v in pairs]
    outcome = summary.summarize(rows)
    assert sum(one.cells for one in outcome.subjects) == outcome.rows == len(pairs)
    assert sum(one.blasts for one in outcome.subjects) == sum(v is Verdict.BLAST for _, v in pairs)
    for one in outcome.subjects:
        assert one.blasts <= one.cells - one.not_answered
        if one.fraction is not None and one.low is not None and one.high is not None:
            assert 0 <= one.low <= one.fraction <= one.high <= 1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_name_outside_the_file_systems_encoding_can_be_written(
    suffix: str, tmp_path: Path
) -> None:
    row = results.as_row(Prediction("cell\udcff.bmp", Verdict.ERROR, reason="bad \udcff"), "tiny")
    summary.save([row], tmp_path / f"r{suffix}")
    (path,) = read_table(tmp_path / f"r{suffix}")["path"]
    assert path == "cell\\udcff.bmp"


def test_a_failing_stream_leaves_no_half_written_table(tmp_path: Path) -> None:
    def failing() -> Any:
        yield ROWS[0]
        raise KeyError

    with pytest.raises(KeyError):
        summary.save(failing(), tmp_path / "r.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_row_in_a_file_has_an_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert in_file({"path": "a.bmp"})["path"] == str(tmp_path / "a.bmp")
    assert in_file({"path": ""})["path"] == ""
