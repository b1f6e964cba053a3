"""The probe before a training: what it tries, what it takes, and that a run keeps it."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.models.network.networks import build
from leukoscope.training.network import checkpoint, probe
from leukoscope.training.network.fit import fit
from leukoscope.training.network.loss import Losses
from leukoscope.training.network.probe import Speed, set_memory_format
from leukoscope.training.network.resume import speed_of
from tests.training.tiny import tiny_cohort, tiny_recipe

CPU = torch.device("cpu")
CELLS = np.zeros((2, 24, 24, 3), np.uint8)


@pytest.mark.parametrize(
    ("bf16", "seconds", "expected"),
    [
        (True, {"bf16": 0.5, "channels_first": 1.0}, ("bf16", "channels_last")),
        (True, {"bf16": 0.95, "channels_first": 1.0}, ("fp32", "channels_last")),
        (True, {"bf16": 0.5, "channels_first": 0.3}, ("bf16", "channels_first")),
        (False, {"bf16": 0.1, "channels_first": 0.8}, ("fp32", "channels_first")),
    ],
)
def test_what_is_clearly_faster_is_taken(
    bf16: bool,
    seconds: dict[str, float],
    expected: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "leukoscope")

    def step(_recipe: object, _cells: object, _device: object, speed: Speed) -> float:
        return min(seconds.get(speed.precision, 1.0), seconds.get(speed.memory_format, 1.0))

    monkeypatch.setattr(probe, "computes_bf16", lambda: bf16)
    monkeypatch.setattr(probe, "_step_seconds", step)
    found = probe.probe(tiny_recipe(), CELLS, CPU)
    assert (found.precision, found.memory_format) == expected
    assert ("bf16, channels last" in found.seconds) == bf16
    assert f"computes with {found.name}" in caplog.text


def test_a_named_precision_is_kept_and_nothing_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leukoscope.training.network.fit.probe", lambda *_: pytest.fail("probed"))
    cohort, cells = tiny_cohort()
    fit(cohort, cells, tiny_recipe(fit__epochs=1), tmp_path)
    assert speed_of(tmp_path) == Speed("fp32")


def test_a_resumed_run_keeps_what_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, cells = tiny_cohort()
    chosen = Speed("bf16", "channels_first", {"fp32, channels last": 1.0})
    monkeypatch.setattr("leukoscope.training.network.fit.probe", lambda *_: chosen)
    recipe = tiny_recipe(fit__epochs=1, fit__precision="auto")
    fit(cohort, cells, recipe, tmp_path)
    assert asdict(speed_of(tmp_path) or Speed("fp32")) == asdict(chosen)
    monkeypatch.setattr("leukoscope.training.network.fit.probe", lambda *_: pytest.fail("probed"))
    fit(cohort, cells, recipe.with_settings({"fit.epochs": 2}), tmp_path)
    assert speed_of(tmp_path) == chosen


def test_a_checkpoint_of_an_earlier_version_names_nothing(tmp_path: Path) -> None:
    network = build(tiny_recipe())
    checkpoint.save(tmp_path / checkpoint.LAST, network, None, {"run": "x", "log": []})
    assert speed_of(tmp_path) is None


def test_the_probe_runs_and_draws_no_random_numbers() -> None:
    before = torch.random.get_rng_state()
    found = probe.probe(tiny_recipe(fit__precision="auto"), CELLS, CPU)
    assert {"fp32, channels last"} < set(found.seconds)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_either_memory_format_gives_the_same_answer() -> None:
    network = build(tiny_recipe()).eval()
    cells = torch.randint(0, 256, (2, 24, 24, 3), dtype=torch.uint8)
    with torch.inference_mode():
        last = network(cells).logit
        undo = set_memory_format(network, "channels_first")
        assert network.trunk[0].weight.is_contiguous()
        first = network(cells).logit
        undo()
        assert torch.equal(network(cells).logit, last)
    torch.testing.assert_close(first, last, atol=1e-5, rtol=1e-5)


def test_losses_are_read_in_groups_on_an_accelerator() -> None:
    losses = Losses(torch.device("cuda"))
    read = [losses.add(torch.tensor(float(step)), 2) for step in range(20)]
    assert [step for step, happened in enumerate(read) if happened] == [15]
    assert losses.mean == np.mean(range(16))
    assert losses.read()
    assert not losses.read()
    assert losses.mean == np.mean(range(20))
