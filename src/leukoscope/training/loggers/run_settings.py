"""Values that a logger receives: settings and counts of a run, and its final results."""

from pathlib import Path

import numpy as np

from leukoscope.core.values import flat
from leukoscope.inference.model_file.card import Card
from leukoscope.training.loggers.base import LoggedRun
from leukoscope.training.run import Run

PARTS = ("train", "validation", "test")


def logged_run(run: Run, seed: int, *, resumed: bool) -> LoggedRun:
    """The settings of a run, with counts of cells and persons; no name of a person or a folder."""
    settings = {name: str(value) for name, value in flat(run.recipe.to_dict()).items()}
    if weights := settings.get("network.weights"):
        settings["network.weights"] = Path(weights).name  # the folder is the user's business
    settings |= {"seed": str(seed), "split": run.split.kind, "split.seed": str(run.split.seed)}
    for part in PARTS:
        own = run.cohort["part"] == part
        settings[f"{part}.cells"] = str(int(own.sum()))
        settings[f"{part}.persons"] = str(len(np.unique(run.cohort["person"][own].astype(str))))
    return LoggedRun(run.folder, settings, resumed)


def final_values(card: Card) -> dict[str, float]:
    """The calibration of a model file, which was chosen on validation persons."""
    point = card.operating_point
    values = {"temperature": card.temperature}
    if point is not None:
        values |= {"threshold": point.threshold, "recall_at_threshold": point.recall}
        values |= {"specificity_at_threshold": point.specificity}
    return values
