"""Stages of a training: their order, which layers train in each, and their learning rates.

Which stage an epoch belongs to is a function of the epochs before it, so a resumed run goes through
the stages as the uninterrupted one would have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from leukoscope.models.network.param_groups import blocks, head
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.settings import Stage
from leukoscope.training.network.schedule import should_stop


def plan(recipe: NetworkRecipe) -> tuple[Stage, ...]:
    """The stages of a recipe with all defaults filled in; a single stage if it has none."""
    return tuple(
        replace(
            stage,
            epochs=stage.epochs or recipe.fit.epochs,
            patience=stage.patience or recipe.fit.patience,
            learning_rate=stage.learning_rate or recipe.optimizer.learning_rate,
        )
        for stage in recipe.stages or (Stage(),)
    )


def stage_of_next(stages: Sequence[Stage], past: Sequence[int], scores: Sequence[float]) -> int:
    """The stage of the next epoch, from 1; the number of stages + 1 when the training is done.

    Args:
        stages: The plan.
        past: The stage of each finished epoch.
        scores: The score of each of them; higher is better.
    """
    if not past:
        return 1
    current = past[-1]
    stage_scores = scores_within(current, past, scores)
    stage = stages[current - 1]
    finished = len(stage_scores) >= stage.epochs or should_stop(stage_scores, stage.patience)
    return current + finished


def scores_within(stage: int, past: Sequence[int], scores: Sequence[float]) -> list[float]:
    """The scores of one stage's epochs."""
    return [score for number, score in zip(past, scores, strict=True) if number == stage]


def trainable(network: nn.Module, stage: Stage) -> list[dict[str, Any]]:
    """Enable gradients for the weights that a stage trains, and return these as optimizer groups.

    Returns:
        Groups with `params` and `base`, the group's learning rate before the schedule. Weights
        with the same rate form one group; that of the head comes first.
    """
    weights = dict(network.named_parameters())
    for weight in weights.values():
        weight.requires_grad_(False)
    groups: dict[float, list[nn.Parameter]] = {}
    for names, rate in _rates(network, stage):
        for name in names:
            weights[name].requires_grad_()
            groups.setdefault(rate, []).append(weights[name])
    return [{"params": params, "base": rate} for rate, params in groups.items()]


def freeze_norms(network: nn.Module) -> None:
    """Put batch norms whose weights don't train into evaluation mode, after `network.train()`.

    Otherwise their statistics would follow the new cells while the weights stay.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            params = list(module.parameters(recurse=False))
            if params and not any(weight.requires_grad for weight in params):
                module.eval()


def describe_stage(stage: Stage) -> str:
    """The layers that a stage trains, as text."""
    if isinstance(stage.train, dict):
        last = stage.train["last"]
        return f"the head and the last {f'{last} blocks' if last > 1 else 'block'}"
    return "the head" if stage.train == "head" else "all layers"


def _rates(network: nn.Module, stage: Stage) -> Iterator[tuple[list[str], float]]:
    """Names of the weights that train, with their learning rate; the head first."""
    rate = stage.learning_rate
    both = rate if isinstance(rate, dict) else {"backbone": rate, "head": rate}
    yield head(network), both["head"]
    if stage.train == "head":
        return
    trunk = blocks(network)
    last = stage.train["last"] if isinstance(stage.train, dict) else len(trunk)
    for distance, names in enumerate(reversed(trunk[-last:])):
        yield names, both["backbone"] * stage.layer_decay**distance
