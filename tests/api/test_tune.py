"""Studies as people run them: commands in processes of their own, several on one study."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optuna
import pytest

import leukoscope as ls
from leukoscope.core.errors import LeukoscopeError, RecipeError, TuningError
from leukoscope.core.files import locked
from leukoscope.core.tables import read_table
from leukoscope.models.recipe.recipe import read_recipe, write_recipe
from leukoscope.training.run import LOG
from leukoscope.training.tuning.measure import CELLS
from leukoscope.training.tuning.storage import open_storage
from tests import forked
from tests.forked import Process
from tests.training.tiny import write_cells
from tests.training.tuning.planned import end_heartbeats, logistic, network

pytestmark = pytest.mark.slow(22)

VARY = {"classical.c": "1e-3..1e1:log", "classical.balance": "none,class"}
SPACE = [f"--vary={name}={values}" for name, values in VARY.items()]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cells(tmp_path_factory.mktemp("cells") / "own", persons=6)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    write_recipe(logistic(), path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])  # a journal: training/tuning/test_heartbeat.py
def storage(request: pytest.FixtureRequest) -> str | None:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql").new_database())
    return None


Start = Callable[..., Process]


@pytest.fixture
def start(cells: Path, recipe: Path, tmp_path: Path) -> Iterator[Start]:
    """Start the command; what still runs at the end of the test is ended."""
    with ExitStack() as stack:

        def begin(*options: str) -> Process:
            process = forked.start(
                "tune",
                str(cells),
                *("--recipe", str(recipe), "--out", str(tmp_path / "study"), *SPACE),
                *("--jobs", "1", *options),
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield begin


def running(study: Path, storage: str | None, count: int, wait: float = 600) -> optuna.Study:
    """Wait until so many trials are at work and have all of their settings."""
    place = storage or f"sqlite:///{study / 'study.sqlite3'}"
    end = time.monotonic() + wait
    known = None
    while time.monotonic() < end:
        time.sleep(0.1)
        if known is None and (study / "study.json").is_file():
            known = optuna.load_study(study_name=study.name, storage=open_storage(place))
        if known and [len(trial.params) for trial in known.get_trials()] == [len(VARY)] * count:
            return known
    raise AssertionError(f"not {count} trials at work")


def test_two_processes_share_a_study_and_one_outlives_the_other(
    start: Start, tmp_path: Path, storage: str | None
) -> None:
    study = tmp_path / "study"
    options = ["--trials", "5", *(["--storage", storage] if storage else [])]
    with locked(study / CELLS):  # no trial gets on
        workers = [start(*options) for _ in range(2)]
        known = running(study, storage, 2)
        workers[0].kill()
        workers[0].wait()
        end_heartbeats(known)
    out, err = workers[1].communicate(timeout=300)
    assert workers[1].returncode == 0, err
    table = read_table(study / "trials.csv")
    assert sorted(table["state"]) == ["complete"] * 5 + ["interrupted"]
    lost = int(table["trial"][table["state"] == "interrupted"][0])
    assert f"trial {lost} was interrupted; its settings are tried again" in err
    settings = [table["classical.c"].tolist()[number] for number in range(6)]
    assert settings.count(settings[lost]) == 2
    assert "Train it: leukoscope train" in out
    assert read_recipe(study / "best.yaml").name == "tiny-logistic-tuned"


def test_workers_of_one_command_and_its_json(start: Start, tmp_path: Path) -> None:
    process = start("--trials", "6", "--workers", "2", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["trials"] == {"complete": 6}
    assert told["settings"].keys() == {"classical.c", "classical.balance"}
    assert err.count("best ") == 6  # a line a trial
    page = (tmp_path / "study" / "study.html").read_text()
    assert page.count("<img ") == 1  # too few trials for importance


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(
    start: Start, cells: Path, recipe: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    with locked(study / CELLS):
        process = start("--trials", "2")
        running(study, None, 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    # The scale of drawn cells is unknown, which has a line of its own.
    (line,) = (one for one in err.splitlines() if not one.startswith("The scale of"))
    assert "Run the same command again" in line
    found = ls.tune(cells, str(recipe), out=study, trials=2, vary=VARY, jobs=1)
    assert [row.state for row in found.trials] == ["interrupted", "complete", "complete"]
    assert found.trials[1].settings == found.trials[0].settings


def test_the_best_trains_to_the_figure_it_was_chosen_by(cells: Path, tmp_path: Path) -> None:
    write_recipe(network(fit__epochs=2), tmp_path / "tiny.yaml")
    found = ls.tune(
        cells,
        str(tmp_path / "tiny.yaml"),
        out=tmp_path / "study",
        trials=3,
        vary={"optimizer.learning_rate": "1e-3..3e-2:log", "network.dropout": [0, 0.2]},
        objective="loss",
    )
    assert found.best
    assert found.best.value == min(row.value for row in found.trials)
    run = ls.train(
        cells, str(found.recipe), out=tmp_path / "run", split=tmp_path / "study" / "split.json"
    )
    assert run.recipe.network.dropout == found.best.settings["network.dropout"]
    assert min(read_table(run.folder / LOG)["validation_loss"]) == pytest.approx(
        found.best.value, rel=1e-5
    )


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"vary": {"classical.c": "0..1:log"}}, RecipeError, "classical.c"),
        ({"vary": {"loss.l2": "0..1"}}, RecipeError, "loss.l2"),
        ({"space": "absent.yaml"}, RecipeError, "absent.yaml"),
        ({"objective": "accuracy"}, TuningError, "choose one of loss, auroc"),
        ({"trials": 0}, TuningError, "trials is 0"),
        ({"storage": "mysql://u:s3cret@h/x"}, LeukoscopeError, "not supported"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_before_any_trial(
    options: dict[str, Any],
    error: type,
    says: str,
    cells: Path,
    recipe: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=says):
        ls.tune(cells, str(recipe), out=tmp_path / "study", **options)
    assert not (tmp_path / "study" / "trials").exists()


@pytest.mark.parametrize("text", ["classical.c", "=0..1", "classical.c="])
def test_half_an_option_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from leukoscope.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main(["tune", "cells", "--vary", text])
    assert ended.value.code == 2
    assert "FIELD=RANGE" in " ".join(capsys.readouterr().err.split())
