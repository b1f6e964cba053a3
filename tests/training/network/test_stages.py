from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from leukoscope.core.errors import TrainingError
from leukoscope.core.tables import read_table
from leukoscope.models.network.networks import build
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.settings import Stage
from leukoscope.training.network.checkpoint import BEST, LAST
from leukoscope.training.network.fit import Fitted, fit
from leukoscope.training.network.stages import (
    describe_stage,
    freeze_norms,
    plan,
    scores_within,
    stage_of_next,
    trainable,
)
from leukoscope.training.run import LOG
from tests.training.network.test_fit import StoppedError, figures, same_weights
from tests.training.tiny import tiny_cohort, tiny_recipe

HEAD = {"train": "head", "epochs": 2, "learning_rate": 0.02}
LAST_BLOCK = {
    "train": {"last": 1},
    "epochs": 1,
    "learning_rate": {"backbone": 1e-3, "head": 1e-2},
}
ALL = {"train": "all", "epochs": 2, "learning_rate": 0.01, "layer_decay": 0.5}
NORMED = {"network__norm": "batch", "network__head": [5], "network__dropout": 0.2}


def staged(*stages: dict[str, Any], **more: Any) -> NetworkRecipe:
    return tiny_recipe(stages=list(stages), **NORMED, **more)


def train(out: Path, recipe: NetworkRecipe, **more: Any) -> Fitted:
    cohort, cells = tiny_cohort()
    return fit(cohort, cells, recipe, out, **more)


# Which stage comes next


def test_a_plan_leaves_nothing_open() -> None:
    recipe = staged({}, HEAD, optimizer__learning_rate=0.5, fit__epochs=7, fit__patience=3)
    assert plan(recipe) == (
        Stage("all", 7, 0.5, 3, 1.0),
        Stage("head", 2, 0.02, 3, 1.0),
    )
    assert plan(replace(recipe, stages=())) == (Stage("all", 7, 0.5, 3, 1.0),)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=13, max_size=13),
)
def test_stages_follow_each_other_and_end_by_epochs_or_patience(
    settings: list[tuple[int, int]], scores: list[float]
) -> None:
    stages = [Stage(epochs=epochs, patience=patience) for epochs, patience in settings]
    past: list[int] = []
    while (number := stage_of_next(stages, past, scores[: len(past)])) <= len(stages):
        past.append(number)
    assert past == sorted(past)
    assert set(past) == set(range(1, len(stages) + 1))
    for number, stage in enumerate(stages, start=1):
        own = scores_within(number, past, scores[: len(past)])
        waited = len(own) - 1 - own.index(max(own))
        assert len(own) == stage.epochs or waited == stage.patience
        assert len(own) <= stage.epochs
        assert waited <= stage.patience


# What trains, and how fast


def network(**settings: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    own = {"network__widths": [4, 6, 8], "input__size": 32, "input__crop": 32} | NORMED | settings
    return build(tiny_recipe(**own))


def rates(net: torch.nn.Module, stage: Stage) -> dict[str, float]:
    """The rate of each weight that trains."""
    groups = trainable(net, stage)
    found = {id(weight): group["base"] for group in groups for weight in group["params"]}
    names = {name: found[id(w)] for name, w in net.named_parameters() if id(w) in found}
    assert set(names) == {name for name, w in net.named_parameters() if w.requires_grad}
    assert sum(len(group["params"]) for group in groups) == len(names)
    return names


def test_one_rate_for_all_is_one_group() -> None:
    net = network()
    assert set(rates(net, Stage("all", 1, 0.1)).values()) == {0.1}
    assert len(trainable(net, Stage("all", 1, 0.1))) == 1
    assert set(rates(net, Stage("all", 1, 0.1))) == dict(net.named_parameters()).keys()


def test_the_head_alone() -> None:
    named = rates(network(), Stage("head", 1, {"backbone": 9.0, "head": 0.1}))
    assert set(named) == {
        "layers.0.weight",
        "layers.0.bias",
        "classifier.weight",
        "classifier.bias",
    }
    assert set(named.values()) == {0.1}


def test_the_last_blocks_and_the_decay_of_their_rates() -> None:
    stage = Stage({"last": 2}, 1, {"backbone": 0.2, "head": 1.0}, layer_decay=0.5)
    named = rates(network(), stage)
    by_layer = {name.rsplit(".", 1)[0]: rate for name, rate in named.items()}
    assert by_layer == {
        "trunk.4": pytest.approx(0.1),
        "trunk.5": pytest.approx(0.1),
        "trunk.8": 0.2,
        "trunk.9": 0.2,
        "layers.0": 1.0,
        "classifier": 1.0,
    }
    assert trainable(network(), stage)[0]["base"] == 1.0  # the head's, which the log shows


def test_more_blocks_than_there_are_is_all() -> None:
    assert rates(network(), Stage({"last": 99}, 1, 0.1)) == rates(network(), Stage("all", 1, 0.1))


def test_a_norm_that_does_not_train_keeps_its_statistics() -> None:
    net = network()
    trainable(net, Stage({"last": 1}, 1, 0.1))
    net.train()
    freeze_norms(net)
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    net(torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8))
    changed = {
        name for name, buffer in net.named_buffers() if not torch.equal(buffer, before[name])
    }
    assert {name.rsplit(".", 1)[0] for name in changed} == {"trunk.9"}


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage("head"), "the head"),
        (Stage({"last": 3}), "the head and the last 3 blocks"),
        (Stage({"last": 1}), "the head and the last block"),
        (Stage("all"), "all layers"),
    ],
)
def test_in_words(stage: Stage, words: str) -> None:
    assert describe_stage(stage) == words


# In a training


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fitted]:
    """Three stages that nothing stopped."""
    out = tmp_path_factory.mktemp("stages") / "whole"
    return out, train(out, staged(HEAD, LAST_BLOCK, ALL))


def test_log_and_callback_say_the_stage(out: Path, whole: tuple[Path, Fitted]) -> None:
    table = read_table(whole[0] / LOG)
    assert table["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert table["stage"].tolist() == [1, 1, 2, 3, 3]
    assert table["learning_rate"].tolist() == [0.02, 0.02, 0.01, 0.01, 0.01]
    begun: list[tuple[int, Stage]] = []
    train(out, staged(HEAD, ALL), on_stage=lambda n, stage, _: begun.append((n, stage)))
    assert begun == list(enumerate(plan(staged(HEAD, ALL)), start=1))


def test_the_best_epoch_is_that_of_all_stages(whole: tuple[Path, Fitted]) -> None:
    out, fitted = whole
    scores = [line.validation_auroc for line in fitted.log]
    assert fitted.best == scores.index(max(scores))
    stored = load_file(out / BEST)
    for name, weight in fitted.network.state_dict().items():
        assert torch.equal(stored[f"network.{name}"], weight)


def test_a_stage_of_the_head_leaves_the_trunk_as_it_was(out: Path) -> None:
    start = tmp_weights(out)
    recipe = staged(HEAD, network__weights=str(start))
    train(out / "run", recipe)
    after = load_file(out / "run" / LAST)
    for name, tensor in load_file(start).items():
        torch.testing.assert_close(after[f"network.trunk.{name}"], tensor, rtol=0, atol=0)


def tmp_weights(folder: Path) -> Path:
    """A trunk with weights of its own, as a file."""
    folder.mkdir()
    torch.manual_seed(9)
    trunk = build(staged(HEAD)).trunk
    save_file({n: t.contiguous() for n, t in trunk.state_dict().items()}, folder / "w.safetensors")
    return folder / "w.safetensors"


def test_a_stage_begins_with_the_best_epoch_so_far(out: Path) -> None:
    """With a second stage that cannot move anything, it answers as that epoch did."""
    still = {"train": "head", "epochs": 1, "learning_rate": 1e-12}
    wild = {"train": "all", "epochs": 4, "learning_rate": 0.2}
    recipe = staged(wild, still, fit__monitor="loss", optimizer__name="sgd", optimizer__clip=0.0)
    log = train(out, recipe).log
    losses = [line.validation_loss for line in log[:4]]
    assert losses.index(min(losses)) != 3, "the last epoch is the best: choose another rate"
    assert log[4].validation_loss == pytest.approx(min(losses), rel=1e-3)


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_run_stopped_anywhere_ends_as_the_uninterrupted(
    stop: int, whole: tuple[Path, Fitted], out: Path
) -> None:
    """Within a stage, and at the border of two."""
    recipe = staged(HEAD, LAST_BLOCK, ALL)

    def on_epoch(entry: Any, _: bool) -> None:
        if entry.epoch == stop:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(out, recipe, on_epoch=on_epoch)
    seen: list[int] = []
    resumed = train(out, recipe, on_epoch=lambda entry, _: seen.append(entry.epoch))
    assert seen == list(range(stop + 1, 6))
    assert figures(resumed.log) == figures(whole[1].log)
    for name in (LAST, BEST):
        assert same_weights(whole[0] / name, out / name)


def test_a_run_stopped_after_its_best_epoch_was_written_does_that_epoch_again(
    whole: tuple[Path, Fitted], out: Path
) -> None:
    """Within the first epoch of a stage, so that BEST is of a later epoch than LAST."""
    recipe = staged(HEAD, LAST_BLOCK, ALL)

    def on_step(epoch: int, done: float, loss: float) -> None:
        if epoch == 2 and done > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(out, recipe, on_step=on_step)
    (out / BEST).write_bytes((whole[0] / BEST).read_bytes())
    resumed = train(out, recipe)
    assert figures(resumed.log) == figures(whole[1].log)
    assert same_weights(whole[0] / LAST, out / LAST)


def test_only_the_last_stage_may_be_given_more(out: Path) -> None:
    train(out, staged(HEAD, ALL))
    assert len(train(out, staged(HEAD, ALL | {"epochs": 3})).log) == 5
    with pytest.raises(TrainingError, match="other settings"):
        train(out, staged(HEAD | {"epochs": 3}, ALL))


def test_patience_is_of_each_stage(out: Path) -> None:
    still = {"learning_rate": 1e-12, "epochs": 9, "patience": 2}
    recipe = staged(HEAD | still, ALL | still | {"patience": 1}, fit__monitor="auroc")
    assert [line.stage for line in train(out, recipe).log] == [1, 1, 1, 2, 2]
