import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from leukoscope.core.errors import DatabaseError, TuningError
from leukoscope.training.tuning.storage import failures_named, open_storage, shown
from tests.postgresql import PASSWORD, QUOTED, PostgreSQL

pytestmark = pytest.mark.slow(4)


def test_a_trial_told_here_is_known_there(storage: str) -> None:
    for _ in range(2):
        study = optuna.create_study(
            storage=open_storage(storage), study_name="x", load_if_exists=True
        )
        study.tell(study.ask(), 0.5)
    other = optuna.load_study(study_name="x", storage=open_storage(storage))
    assert [trial.value for trial in other.get_trials()] == [0.5, 0.5]


def test_a_queued_trial_is_given_to_one_alone(storage: str) -> None:
    opened = [
        optuna.create_study(storage=open_storage(storage), study_name="x", load_if_exists=True)
        for _ in range(2)
    ]
    opened[0].enqueue_trial({"a": 1.0})
    numbers = [study.ask().number for study in opened]
    assert numbers == [0, 1]


@pytest.mark.slow(7)
@pytest.mark.slow(7)
def test_processes_that_begin_at_one_moment_make_the_tables_once(tmp_path: Path) -> None:
    code = (
        "import sys; from leukoscope.training.tuning.storage import open_storage\n"
        "print('ready', flush=True); sys.stdin.readline(); open_storage(sys.argv[1])"
    )
    place = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout
        process.stdout.readline()
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(300) for process in started] == [0, 0, 0]
    for process in started:
        process.communicate()


@pytest.mark.parametrize(
    ("place", "error", "says"),
    [
        ("study.sqlite3", DatabaseError, "sqlite:///FILE or postgresql://"),
        ("", DatabaseError, "sqlite:///FILE or postgresql://"),
        ("mysql://u:s3cret@host/x", DatabaseError, "'mysql' databases are not supported"),
        ("postgresql://u:s3cret@h/x?sslmode=most", DatabaseError, "sslmode 'most' is not known"),
        ("sqlite://", TuningError, "would be lost"),
        ("sqlite:////absent/folder/x.sqlite3", TuningError, "no study can be kept here"),
        ("postgresql://u:s3cret@127.0.0.1:1/x", TuningError, "no study can be kept here"),
    ],
)
def test_a_place_that_is_none_is_one_line(place: str, error: type, says: str) -> None:
    with pytest.raises(error, match=says) as refused:
        open_storage(place)
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(
        TuningError, match=r"belongs to another program \(it has the table 'bookmarks'\)"
    ):
        open_storage(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("bookmarks",)]


def test_no_password_is_shown(postgresql: PostgreSQL) -> None:
    url = postgresql.url("nowhere")
    with pytest.raises(TuningError, match="nowhere") as refused:
        open_storage(url)
    for text in (str(refused.value), shown(url)):
        assert PASSWORD not in text
        assert QUOTED not in text
    assert shown("journal:x.log") == "journal:x.log"


@pytest.mark.parametrize("shape", ["internal", "asserted", "plain"])
def test_a_full_disk_is_one_line_however_it_is_reported(shape: str) -> None:
    full = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    internal, asserted = StorageInternalError("An exception"), AssertionError("Should not reach.")
    internal.__cause__ = asserted.__context__ = full
    error = {"internal": internal, "asserted": asserted, "plain": full}[shape]
    with pytest.raises(TuningError, match="disk is full"), failures_named("sqlite:///s"):
        raise error


def test_an_assertion_of_another_cause_stays_a_bug() -> None:
    with pytest.raises(AssertionError), failures_named("sqlite:///s"):
        raise AssertionError
