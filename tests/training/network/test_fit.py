import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from leukoscope.core.errors import TrainingError
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import Cohort
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.network.checkpoint import BEST, LAST
from leukoscope.training.network.fit import Fitted, fit
from leukoscope.training.run import LOG
from tests.root import ROOT
from tests.training.tiny import tiny_cohort, tiny_recipe

pytestmark = pytest.mark.slow(13)

TIMES = ("images_per_second", "seconds")


def train(out: Path, recipe: NetworkRecipe | None = None, **more: Any) -> Fitted:
    cohort, cells = tiny_cohort()
    return fit(cohort, cells, recipe or tiny_recipe(), out, **more)


def figures(log: Any) -> list[dict[str, Any]]:
    return [{k: v for k, v in vars(line).items() if k not in TIMES} for line in log]


def same_weights(first: Path, second: Path) -> bool:
    one, two = load_file(first), load_file(second)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fitted]:
    """A run that nothing stopped."""
    out = tmp_path_factory.mktemp("fit") / "whole"
    return out, train(out)


def test_it_learns(whole: tuple[Path, Fitted]) -> None:
    _, fitted = whole
    losses = [line.train_loss for line in fitted.log]
    assert len(losses) == 4
    assert losses[-1] < 0.9 * losses[0]
    assert fitted.log[fitted.best].validation_auroc > 0.95


def test_the_network_handed_back_is_the_best_epochs(whole: tuple[Path, Fitted]) -> None:
    out, fitted = whole
    stored = load_file(out / BEST)
    for name, weight in fitted.network.state_dict().items():
        assert torch.equal(stored[f"network.{name}"], weight)
    cohort, cells = tiny_cohort()
    rows = np.flatnonzero(cohort["part"] == "validation")
    with torch.inference_mode():
        logit = fitted.network(torch.from_numpy(cells[rows])).logit
    target = torch.tensor(cohort["label"][rows], dtype=torch.float32)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, target).item()
    assert loss == pytest.approx(fitted.log[fitted.best].validation_loss, rel=1e-4)
    assert not fitted.network.training


@pytest.mark.parametrize("monitor", ["loss", "auroc", "sensitivity"])
def test_the_best_epoch_is_the_first_best_by_the_monitor(monitor: str, out: Path) -> None:
    fitted = train(out, tiny_recipe(fit__monitor=monitor, fit__epochs=3))
    sign = -1 if monitor == "loss" else 1
    scores = [sign * getattr(line, f"validation_{monitor}") for line in fitted.log]
    assert fitted.best == scores.index(max(scores))


def test_the_log_file_says_what_was_returned(whole: tuple[Path, Fitted]) -> None:
    out, fitted = whole
    table = read_table(out / LOG)
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert table["validation_loss"].tolist() == [line.validation_loss for line in fitted.log]


def test_the_seed_decides_everything(whole: tuple[Path, Fitted], out: Path) -> None:
    again = train(out / "same")
    assert figures(again.log) == figures(whole[1].log)
    assert same_weights(out / "same" / LAST, whole[0] / LAST)
    other = train(out / "other", tiny_recipe(fit__epochs=1), seed=1)
    assert figures(other.log)[0] != figures(again.log)[0]


class StoppedError(Exception):
    pass


@pytest.mark.parametrize(
    "settings",
    [
        {"network__pooling": "flatten", "network__hidden": 6, "network__dropout": 0.5},
        {"optimizer__name": "sgd", "schedule__warmup": 2, "fit__sampling": "person"},
        {"schedule__name": "plateau", "schedule__patience": 0, "loss__l2": 1e-3},
    ],
    ids=["dropout", "sgd-warmup-person", "plateau-l2"],
)
def test_a_stopped_run_ends_as_the_uninterrupted(settings: dict[str, Any], out: Path) -> None:
    recipe = tiny_recipe(**settings)

    def stop(entry: Any, _: bool) -> None:
        if entry.epoch == 2:
            raise StoppedError

    expected = train(out / "whole", recipe)
    with pytest.raises(StoppedError):
        train(out / "stopped", recipe, on_epoch=stop)
    seen: list[int] = []
    resumed = train(out / "stopped", recipe, on_epoch=lambda entry, _: seen.append(entry.epoch))
    assert seen == [3, 4]
    assert figures(resumed.log) == figures(expected.log)
    for name in (LAST, BEST):
        assert same_weights(out / "whole" / name, out / "stopped" / name)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from leukoscope.training.network.fit import fit
from tests.training.tiny import tiny_cohort, tiny_recipe

torch.set_num_threads(int(sys.argv[2]))

def on_step(epoch, done, loss):
    if epoch == 2 and done > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)

cohort, cells = tiny_cohort()
fit(cohort, cells, tiny_recipe(), Path(sys.argv[1]), on_step=on_step)
"""


def test_a_killed_run_ends_as_the_uninterrupted(whole: tuple[Path, Fitted], out: Path) -> None:
    """Killed within the third epoch, by the signal that nothing can catch."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    threads = str(torch.get_num_threads())
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, out, threads],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert read_table(out / LOG)["epoch"].tolist() == [1, 2]
    resumed = train(out)
    assert figures(resumed.log) == figures(whole[1].log)
    assert same_weights(out / LAST, whole[0] / LAST)
    assert same_weights(out / BEST, whole[0] / BEST)


def test_a_finished_run_may_be_given_more_epochs(out: Path) -> None:
    train(out, tiny_recipe(fit__epochs=1))
    assert len(train(out, tiny_recipe(fit__epochs=1)).log) == 1
    assert len(train(out, tiny_recipe(fit__epochs=2)).log) == 2


def test_patience_stops_it(out: Path) -> None:
    recipe = tiny_recipe(fit__patience=1, fit__epochs=50, optimizer__learning_rate=1e-9)
    fitted = train(out, recipe)
    assert len(fitted.log) == fitted.best + 2 < 50


def altered(**columns: np.ndarray) -> Callable[[], tuple[Cohort, np.ndarray]]:
    def make() -> tuple[Cohort, np.ndarray]:
        cohort, cells = tiny_cohort()
        return cohort.with_columns(**columns), cells

    return make


@pytest.mark.parametrize(
    ("cohort", "settings", "seed"),
    [
        (tiny_cohort, {"optimizer__learning_rate": 0.01}, 0),
        (tiny_cohort, {"network__widths": [4, 9]}, 0),
        (tiny_cohort, {}, 1),
        (lambda: tiny_cohort(seed=5), {}, 0),
        (altered(label=1 - tiny_cohort()[0]["label"]), {}, 0),
    ],
    ids=["rate", "widths", "seed", "cells", "labels"],
)
def test_a_folder_of_another_run_is_refused_and_left_as_it_was(
    cohort: Callable[[], tuple[Cohort, np.ndarray]],
    settings: dict[str, Any],
    seed: int,
    out: Path,
) -> None:
    train(out, tiny_recipe(fit__epochs=1))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    table, cells = cohort()
    with pytest.raises(TrainingError, match="other settings, seed or cells"):
        fit(table, cells, tiny_recipe(fit__epochs=1, **settings), out, seed=seed)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    fresh = fit(table, cells, tiny_recipe(fit__epochs=1, **settings), out, seed=seed, resume=False)
    assert len(fresh.log) == 1


def test_a_damaged_checkpoint_is_said(out: Path) -> None:
    train(out, tiny_recipe(fit__epochs=1))
    (out / LAST).write_bytes((out / LAST).read_bytes()[:500])
    with pytest.raises(TrainingError, match="--fresh"):
        train(out, tiny_recipe(fit__epochs=2))


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_missing_class_is_said(part: str, label: int, out: Path) -> None:
    cohort, cells = tiny_cohort()
    keep = np.flatnonzero((cohort["part"] != part) | (cohort["label"] != label))
    with pytest.raises(TrainingError, match=f"{part} subset has .* lacks"):
        fit(cohort.select(keep), cells[keep], tiny_recipe(), out)


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_loss_that_is_not_finite_is_said(clip: float, out: Path) -> None:
    recipe = tiny_recipe(
        optimizer__name="sgd", optimizer__learning_rate=1e30, optimizer__clip=clip, loss__l2=1e6
    )
    with pytest.raises(TrainingError, match=r"not a number in epoch 1; lower optimizer"):
        train(out, recipe)
    assert not (out / LAST).exists()


def test_weights_of_the_classes_move_the_calls(out: Path) -> None:
    settings = {"fit__epochs": 1, "optimizer__learning_rate": 0.001}
    blast = train(out / "a", tiny_recipe(loss__class_weights={"ALL": 9, "HEM": 1}, **settings))
    normal = train(out / "h", tiny_recipe(loss__class_weights={"ALL": 1, "HEM": 9}, **settings))
    cells = torch.from_numpy(tiny_cohort()[1])
    with torch.inference_mode():
        assert blast.network(cells).logit.mean() > normal.network(cells).logit.mean()


def test_steps_are_told_of(out: Path) -> None:
    steps: list[tuple[int, float, float]] = []
    train(out, tiny_recipe(fit__epochs=1), on_step=lambda *step: steps.append(step))
    assert [epoch for epoch, _, _ in steps] == [0] * 6  # 48 cells by 8
    assert [done for _, done, _ in steps] == pytest.approx([1 / 6 * n for n in range(1, 7)])
