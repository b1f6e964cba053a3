"""A short run of each kind of torture; the long one is `make torture`."""

import signal
from pathlib import Path

import pytest

from tests.torture import faults, fuzz, kills, writers
from tests.torture.commands import prepare
from tests.torture.parsers import PARSERS
from tests.torture.record import Record, Row

pytestmark = pytest.mark.slow(9)

FEW = 25  # inputs of each parser


@pytest.mark.parametrize("name", sorted(PARSERS.keys() - {"parquet"}))
def test_mutated_inputs_get_an_answer_or_an_error_of_their_kind(name: str, tmp_path: Path) -> None:
    fuzz.work(name, "0 0", 300, tmp_path / "corpus", tmp_path, FEW)
    figures = fuzz.read_figures(tmp_path)
    assert figures["failures"] == []
    assert figures["inputs"] == FEW


def test_an_input_that_ends_the_process_is_kept(tmp_path: Path) -> None:
    row = Row("fuzz", "no such parser", seed=0)
    fuzz.fuzz(row, "no such parser", tmp_path / "corpus", 0.1)
    assert "exit code 1" in row.failures[0]
    assert "findings" in row.failures[0]


def test_a_killed_command_leaves_whole_files_and_completes(tmp_path: Path) -> None:
    row = Row("kills", "predict", seed=0)
    kills.kill_command(row, prepare(tmp_path / "place"), "predict", tmp_path / "out", 2)
    assert row.failures == []


@pytest.mark.parametrize(
    ("code", "frame", "end", "before"),
    [
        (-signal.SIGINT, "", "", True),
        (1, "<frozen runpy>", "KeyboardInterrupt", True),
        (1, "/place/leukoscope/cli/main.py", "KeyboardInterrupt", False),
        (1, "<frozen runpy>", "ImportError: damaged", False),
        (130, "", "Stopped.", False),
    ],
)
def test_what_python_says_of_its_own_start_is_not_ours(
    code: int, frame: str, end: str, before: bool
) -> None:
    lines = ["Traceback (most recent call last):", f'  File "{frame}", line 1'] if frame else []
    assert kills.ended_before_ours(code, "\n".join([*lines, end, ""])) is before


def test_a_machine_without_room_is_one_line(tmp_path: Path) -> None:
    place = prepare(tmp_path / "place")
    row = Row("faults", "limited file size", seed=0)
    for fault in faults.faults():
        if (fault.kind, fault.level) == ("limited file size", "0"):
            assert not faults.under(row, place, fault, "predict", tmp_path / "out")
    assert row.failures == []
    assert row.tried == 1


def test_two_writers_of_one_table(tmp_path: Path) -> None:
    row = Row("two writers", "predict", seed=0)
    writers.twice(row, prepare(tmp_path / "place"), "predict", tmp_path / "out", 1)
    assert row.failures == []


def test_a_record_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    first = Record(path)
    with first.row("kills", "audit", 0) as row:
        row.check([], "kill")
    with pytest.raises(KeyboardInterrupt), first.row("kills", "predict", 0) as row:  # noqa: PT012
        row.check(["is\ndamaged"], "kill")
        raise KeyboardInterrupt
    assert "interrupted" in first.table()
    assert first.failed() == 1
    again = Record(path, resume=True)
    assert again.is_done("kills", "audit", 0)
    assert not again.is_done("kills", "predict", 0)
