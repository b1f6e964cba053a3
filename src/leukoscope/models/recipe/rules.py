"""Conditions on the values of a recipe, alone and together."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from leukoscope.core.errors import RecipeError

if TYPE_CHECKING:
    from leukoscope.models.recipe.recipe import NetworkRecipe, Recipe
    from leukoscope.models.recipe.settings import Stage

Rules = Iterable[tuple[object, str]]
"""Conditions, each with the rule in words."""


def check_rules(name: str, rules: Rules) -> None:
    """Refuse settings that break a rule.

    Args:
        name: Name of the recipe, for the message.
        rules: Conditions on its settings.

    Raises:
        RecipeError: A value out of range; names the field.
    """
    for holds, rule in rules:
        if not holds:
            raise RecipeError(f"recipe {name!r}: out of range; {rule}.")


def recipe_rules(recipe: "Recipe") -> Rules:
    """Conditions on the settings of every recipe."""
    cells = recipe.input
    return [
        (re.fullmatch(r"\w[\w.-]{0,99}", recipe.name), "name: letters, digits, '.', '_', '-'"),
        (16 <= cells.size <= cells.crop <= 4096, "input: 16 <= size <= crop <= 4096"),
    ]


def network_rules(recipe: "NetworkRecipe") -> Rules:
    """Conditions on the settings of a recipe that trains a network."""
    fit, loss = recipe.fit, recipe.loss
    optimizer, schedule, augment = recipe.optimizer, recipe.schedule, recipe.augment
    even = {"ALL": 1.0, "HEM": 1.0}
    weights = loss.class_weights if isinstance(loss.class_weights, dict) else even
    gains = (augment.shift, augment.brightness, augment.color)
    return [
        *recipe.network.rules(recipe.input.size),
        (min(fit.epochs, fit.batch_size, fit.patience) > 0, "fit: whole numbers above 0"),
        (optimizer.learning_rate > 0, "optimizer.learning_rate: above 0"),
        (
            optimizer.clip >= 0 and optimizer.weight_decay >= 0,
            "optimizer: clip and weight_decay not negative",
        ),
        (
            loss.l1 >= 0 and loss.l2 >= 0 and 0 <= loss.smoothing < 1,
            "loss: l1 and l2 not negative, smoothing from 0 to below 1",
        ),
        (
            weights.keys() == even.keys() and min(weights.values()) > 0,
            "loss.class_weights: none, balanced, or {ALL: x, HEM: y} above 0",
        ),
        (0 <= augment.rotate <= 180, "augment.rotate: from 0 to 180"),
        (0 <= augment.scale < 0.9, "augment.scale: from 0 to below 0.9"),
        (
            min(gains) >= 0 and max(gains) < 1,
            "augment: shift, brightness, color from 0 to below 1",
        ),
        (0 <= augment.blur <= 20, "augment.blur: from 0 to 20"),
        (0 < schedule.factor < 1, "schedule.factor: between 0 and 1"),
        (schedule.warmup >= 0 and schedule.patience >= 0, "schedule: warmup, patience from 0"),
        *(rule for stage in recipe.stages for rule in _of_stage(stage)),
    ]


def _of_stage(stage: "Stage") -> Rules:
    rate = stage.learning_rate
    rates = rate if isinstance(rate, dict) else {"backbone": rate or 1.0, "head": rate or 1.0}
    last = stage.train if isinstance(stage.train, dict) else {"last": 1}
    return [
        (
            last.keys() == {"last"} and last["last"] > 0,
            "stages: train is all, head, or {last: N} with N above 0",
        ),
        (
            rates.keys() == {"backbone", "head"} and min(rates.values()) > 0,
            "stages: learning_rate is a number, or {backbone: x, head: y}, above 0",
        ),
        (min(stage.epochs, stage.patience) >= 0, "stages: epochs, patience from 0"),
        (0 < stage.layer_decay <= 1, "stages: layer_decay above 0, at most 1"),
    ]
