import re

import pytest
import torch

from leukoscope.models.network.networks import build
from leukoscope.models.recipe.settings import Stage
from leukoscope.training.network.display import training_display
from leukoscope.training.network.log import Epoch
from leukoscope.training.network.stages import trainable
from tests.training.tiny import tiny_recipe

ENTRY = Epoch(
    epoch=4,
    stage=2,
    learning_rate=0.1,
    train_loss=0.5,
    validation_loss=0.6,
    validation_auroc=0.7,
    validation_balanced_accuracy=0.6,
    validation_sensitivity=0.8,
    validation_specificity=0.4,
    images_per_second=10.0,
    seconds=3.0,
)


def said(stages: list[Stage], number: int, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of one stage of ten steps an epoch."""
    caplog.set_level("INFO", "leukoscope")
    network = build(tiny_recipe())
    trainable(network, stages[number - 1])
    with training_display(stages, cells=320) as display:
        display.on_stage(number, stages[number - 1], network)
        for epoch in range(2):
            for step in range(10):
                display.on_step(epoch, (step + 1) / 10, 0.5)
        display.on_epoch(ENTRY, True)
    return caplog.messages


def test_stages_cost_and_figures_are_lines(caplog: pytest.LogCaptureFixture) -> None:
    stages = [Stage("head", 3, 0.1), Stage({"last": 1}, 5, 0.1)]
    begins, cost, figures = said(stages, 2, caplog)
    assert begins == "stage 2 of 2, the head and the last block: at most 5 epochs"
    weights, some = 3 * 9 * 4 + 4 + 4 * 9 * 8 + 8 + 8 + 1, 4 * 9 * 8 + 8 + 8 + 1
    assert re.fullmatch(
        rf"{weights} parameters, {some} of them trained; about \d+\.\d\d GB of memory; "
        r"about \d+ s per epoch, at most 8 epochs",
        cost,
    )
    assert figures.startswith("stage 2  epoch   4  train loss 0.500  validation loss 0.600")
    assert figures.endswith("best so far")


def test_one_stage_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    cost, figures = said([Stage("all", 5, 0.1)], 1, caplog)
    assert "of them trained" not in cost
    assert cost.endswith("at most 5 epochs")
    assert figures.startswith("epoch   4")


def test_a_training_of_one_step_an_epoch_has_no_speed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "leukoscope")
    stages = [Stage("all", 5, 0.1)]
    with training_display(stages, cells=8) as display:
        display.on_stage(1, stages[0], build(tiny_recipe()))
        display.on_step(0, 1.0, 0.5)
    assert "an epoch" not in caplog.text


@pytest.mark.parametrize("steps", range(1, 9))
def test_epochs_of_any_number_of_steps_are_shown(steps: int, caplog) -> None:
    stage = Stage(train="all", epochs=3)
    caplog.set_level("INFO", "leukoscope")
    with training_display([stage], cells=8 * steps) as display:
        display.on_stage(1, stage, torch.nn.Linear(1, 1))
        for epoch in range(3):
            for step in range(steps):
                display.on_step(epoch, (step + 1) / steps, 0.5)
    assert len([line for line in caplog.messages if "2 parameters" in line]) == 1
