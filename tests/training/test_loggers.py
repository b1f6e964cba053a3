"""Optional loggers, against a real database of MLflow and real event files of TensorBoard."""

import json
import logging
from pathlib import Path

import pytest

from leukoscope import read_cohort, train
from leukoscope.core.errors import TrainingError
from leukoscope.training.loggers.base import LoggedRun
from leukoscope.training.loggers.run_settings import logged_run
from leukoscope.training.loggers.targets import parse_target, run_log, shown
from leukoscope.training.run import MLFLOW, Run
from tests.training.tiny import tiny_cohort, tiny_recipe, tiny_split, write_cells

pytestmark = pytest.mark.slow(3)


def values(number: int) -> dict[str, float]:
    return {"train_loss": 1 / number, "validation_sensitivity": float("nan")}


@pytest.fixture
def run(tmp_path: Path) -> LoggedRun:
    (tmp_path / "runs" / "cnn").mkdir(parents=True)
    return LoggedRun(tmp_path / "runs" / "cnn", {"seed": "0", "fit.epochs": "4"})


def stopped_and_resumed(target: str, run: LoggedRun) -> None:
    """Log epochs 1 and 2, stop in 3, and go on as a training does."""

    def stopped() -> None:
        with run_log([parse_target(target)], run) as logs:
            logs.missing({})
            logs.values(values(1), 1)
            logs.values(values(2), 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    resumed = LoggedRun(run.folder, run.settings | {"fit.epochs": "5"}, resumed=True)
    with run_log([parse_target(target)], resumed) as logs:
        logs.missing({1: values(1), 2: values(2)})
        logs.values(values(3), 3)
        logs.values({"threshold": 0.4}, 3)


def test_mlflow_has_each_epoch_once_and_no_telemetry(run: LoggedRun, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"
    stopped_and_resumed(f"mlflow:{uri}", run)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("leukoscope")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == ("cnn", "FINISHED")
    history = client.get_metric_history(found.info.run_id, "train_loss")
    assert [(one.step, one.value) for one in history] == [(1, 1), (2, 1 / 2), (3, 1 / 3)]
    assert found.data.metrics["threshold"] == 0.4
    assert "validation_sensitivity" not in found.data.metrics
    assert found.data.params == {"seed": "0", "fit.epochs": "4"}
    assert set(found.data.tags) <= {"leukoscope.version", "mlflow.runName"}
    assert uri not in (run.folder / MLFLOW).read_text()
    from mlflow.telemetry import get_telemetry_client

    assert get_telemetry_client() is None


def test_event_files_have_each_epoch_once(run: LoggedRun, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    stopped_and_resumed(f"tensorboard:{tmp_path / 'tb'}", run)
    events = EventAccumulator(str(tmp_path / "tb" / "cnn")).Reload()
    found = [(one.step, one.value) for one in events.Scalars("train_loss")]
    assert found == [(1, 1), (2, 1 / 2), (3, pytest.approx(1 / 3))]
    assert [one.step for one in events.Scalars("threshold")] == [3]
    assert "validation_sensitivity" not in events.Tags()["scalars"]
    again = LoggedRun(run.folder, run.settings)
    with run_log([parse_target(f"tensorboard:{tmp_path / 'tb'}")], again) as logs:
        logs.values(values(1), 1)
    events = EventAccumulator(str(tmp_path / "tb" / "cnn")).Reload()
    assert [one.step for one in events.Scalars("train_loss")] == [1]


@pytest.mark.parametrize("text", ["wandb:x", "mlflow", "mlflow:", "tensorboard", ":x", ""])
def test_other_loggers_are_refused(text: str) -> None:
    with pytest.raises(TrainingError, match="mlflow:URI or --log tensorboard:DIR"):
        parse_target(text)


@pytest.mark.parametrize(
    "target", ["mlflow:{}/mlruns", "tensorboard:{}/file/tb", "mlflow:nope://x"]
)
def test_a_logger_that_cannot_be_opened_is_one_line(
    target: str, run: LoggedRun, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(TrainingError, match=r"--log \w+: cannot be opened") as caught,
        run_log([parse_target(target.format(tmp_path))], run),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert shown("at https://me:secret@host/x\nfailed") == "at https://host/x failed"


def test_a_logger_that_fails_is_left_out_and_the_training_goes_on(
    run: LoggedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch
) -> None:
    from leukoscope.training.loggers.tensorboard_log import TensorBoardLog

    def fail(*_: object) -> None:
        raise OSError("full")

    with run_log([parse_target(f"tensorboard:{tmp_path / 'tb'}")], run) as logs:
        monkeypatch.setattr(TensorBoardLog, "write", fail)
        logs.values(values(1), 1)
        logs.values(values(2), 2)
    warned = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warned) == 1
    assert "full" in warned[0].message


def test_no_name_and_no_path_is_told(tmp_path: Path) -> None:
    cohort, _ = tiny_cohort()
    recipe = tiny_recipe().with_settings({"network.weights": "/home/me/weights.npz"})
    told = logged_run(Run(tmp_path, recipe, tiny_split(cohort), cohort), 3, resumed=False)
    assert told.settings["train.persons"] == "8"
    assert told.settings["network.weights"] == "weights.npz"
    assert told.settings["optimizer.learning_rate"] == "0.02"
    text = json.dumps(dict(told.settings))
    assert "/home" not in text
    assert not any(name in text for name in ("H1", "cell-0"))


def test_a_training_logs_its_epochs_and_its_operating_point(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    cells = write_cells(tmp_path / "cells", persons=6)
    train(
        read_cohort(cells),
        "logistic",
        out=tmp_path / "run",
        settings={"classical.c": 1.0},
        log_to=[f"tensorboard:{tmp_path / 'tb'}"],
    )
    events = EventAccumulator(str(tmp_path / "tb" / "run")).Reload()
    assert "threshold" in events.Tags()["scalars"]
