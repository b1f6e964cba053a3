"""One rule for random seeds, for every function and command that takes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.cli.main import main
from leukoscope.core.errors import SeedError
from leukoscope.core.seeds import LARGEST_SEED, generator, require_seed
from leukoscope.data.cohort import make_cohort
from leukoscope.data.splits.splits import folds, leave_one_person_out, split_cohort
from leukoscope.evaluation.metrics.cells import draw_person_weights

INVALID = [-1, LARGEST_SEED + 1, 2**70, 0.5, "0", None, True, np.array([1, 2]), float("nan")]


@pytest.mark.parametrize("seed", INVALID)
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(SeedError, match="from 0 to 4294967295"):
        require_seed(seed)


@pytest.mark.parametrize("seed", [0, LARGEST_SEED, np.int64(3), np.uint32(7)])
def test_whole_numbers_in_range_become_those_of_python(seed: Any) -> None:
    assert require_seed(seed) == seed
    assert type(require_seed(seed)) is int


def test_the_purpose_tells_the_draws_of_a_seed_apart() -> None:
    first = generator(3).random()
    assert first == np.random.default_rng(3).random()
    assert first != generator(3, 1).random() == np.random.default_rng((3, 1)).random()


def _cohort() -> ls.Cohort:
    persons = [f"{name}{number}" for name in "ah" for number in range(4)]
    return make_cohort(
        {
            "path": [f"{one}.bmp" for one in persons],
            "label": [int(one[0] == "a") for one in persons],
            "subject": persons,
        }
    )


CALLS: dict[str, Callable[[Path, int], object]] = {
    "train": lambda place, seed: ls.train(place, seed=seed, out=place / "run"),
    "preview": lambda place, seed: ls.preview(place, seed=seed, out=place / "page.html"),
    "tune": lambda place, seed: ls.tune(place, seed=seed, out=place / "study"),
    "release": lambda place, seed: ls.release(place, "logistic", seed=seed, out=place / "m.onnx"),
    "adapt": lambda place, seed: ls.adapt(None, place, seed=seed, out=place / "m.onnx"),
    "leakage": lambda place, seed: ls.leakage(place, seeds=seed, out=place / "study"),
    "split": lambda place, seed: ls.split(place, seed=seed),
    "demo": lambda place, seed: ls.demo(place / "demo", seed=seed),
    "make_synthetic": lambda place, seed: ls.make_synthetic(place / "cells", seed=seed),
}


@pytest.mark.parametrize("seed", [-1, 2**32])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_public_function_refuses_it_before_any_work(
    call: Callable[[Path, int], object], seed: int, tmp_path: Path
) -> None:
    with pytest.raises(ls.LeukoscopeError, match=f"{seed};.*from 0 to 4294967295"):
        call(tmp_path, seed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_functions_below_refuse_it_where_they_draw(seed: int) -> None:
    cohort, four = _cohort(), [0, 1, 0, 1]
    for call in (split_cohort, leave_one_person_out):
        with pytest.raises(SeedError):
            call(cohort, seed=seed)
    with pytest.raises(SeedError):
        folds(cohort, 3, seed)
    with pytest.raises(SeedError):
        draw_person_weights(four, list("abcd"), 2, seed)


COMMANDS = [
    *(["train", "."], ["preview", "."], ["release", "."], ["tune", "."], ["adapt", "m.onnx", "."]),
    *(["demo"], ["data", "synthesize", "cells"], ["data", "split", "."]),
]


@pytest.mark.parametrize("seed", ["-1", "4294967296", "0.5"])
@pytest.mark.parametrize("command", [*COMMANDS, ["leakage", "."]], ids=" ".join)
def test_each_command_refuses_it(
    command: list[str], seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    option = "--seeds" if command[0] == "leakage" else "--seed"
    with pytest.raises(SystemExit) as ended:
        main([*command, f"{option}={seed}"])
    assert ended.value.code == 2
    assert option in capsys.readouterr().err
