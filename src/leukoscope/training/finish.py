"""What follows the last epoch: the card, the export, and what is chosen on validation persons.

The temperature and the operating point are set on the exported model's answers for the validation
cells, so they belong to the file that people use.
"""

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from torch import nn

from leukoscope import __version__
from leukoscope.data import cnmc
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.image import Crop
from leukoscope.data.partition import Split
from leukoscope.evaluation.calibration import fit_temperature, sigmoid
from leukoscope.evaluation.operating import choose_operating_point, operating_curve
from leukoscope.files import natural_key
from leukoscope.inference import card as cards
from leukoscope.inference.model_file import load, write_card
from leukoscope.models.recipe import Recipe
from leukoscope.training.export import cam_bias, export

PARITY_CELLS = 64
BATCH = 32
SEEN = ("train", "validation")
PACKAGES = ("torch", "onnx", "onnxruntime", "numpy")


def finish(
    network: nn.Module,
    cohort: Cohort,
    cells: np.ndarray,
    recipe: Recipe,
    split: Split,
    path: Path,
    *,
    synthetic: bool,
    target_recall: float = 0.95,
) -> cards.Card:
    """Export a trained network, then calibrate the file and set its operating point.

    Args:
        network: The best epoch's.
        cohort: N cells with label, person, subject, sha256, part.
        cells: uint8 (N, S, S, 3).
        recipe: What it was trained by.
        split: How the parts were made.
        path: The model file to write.
        synthetic: The cells were drawn, not photographed.
        target_recall: The wanted recall of ALL.

    Returns:
        The card, as it stands in the file.

    Raises:
        ParityError: The exported model answers differently.
    """
    bias = cam_bias(network, recipe.input.size)
    card = cards.Card(
        name=recipe.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=Crop(recipe.input.crop, recipe.input.size),
        training=seen(cohort, split, synthetic),
        data=cards.DataSource("Synthetic cells", "Leukoscope", "Apache-2.0", "")
        if synthetic
        else cards.DataSource("C-NMC 2019", cnmc.CITATION, cnmc.LICENCE, cnmc.DOI),
        licence="Apache-2.0",
        heatmap="none" if bias is None else "cam",
        cam_bias=bias,
        recipe=recipe.to_dict(),
        versions={"leukoscope": __version__, **{name: version(name) for name in PACKAGES}},
    )
    rows = np.flatnonzero(cohort["part"] == "validation")
    spread = rows[:: max(1, len(rows) // PARITY_CELLS)][:PARITY_CELLS]
    export(network, card, path, cells[spread])
    card = calibrated(card, path, cohort.select(rows), cells[rows], target_recall)
    write_card(path, card)
    return card


def calibrated(
    card: cards.Card, path: Path, validation: Cohort, cells: np.ndarray, target_recall: float
) -> cards.Card:
    """The card with temperature, operating point and curve, set on the file's own answers."""
    model = load(path, threads=0)
    starts = range(0, len(cells), BATCH)
    logit = np.concatenate(
        [model.run(np.ascontiguousarray(cells[s : s + BATCH])).logit for s in starts]
    )
    label, person = validation["label"], validation["person"]
    temperature = fit_temperature(logit, label, person)
    p = sigmoid(logit / temperature)
    point = choose_operating_point(label, p, person, target_recall)
    curve = [tuple(values.round(4).tolist()) for values in operating_curve(label, p)]
    return replace(
        card,
        temperature=temperature,
        operating_point=cards.OperatingPoint(
            point.threshold,
            point.target_recall,
            point.recall,
            point.specificity,
            cards.Cells("validation", len(point.persons), point.cells),
        ),
        operating_curve=cards.OperatingCurve(*curve),
    )


def seen(cohort: Cohort, split: Split, synthetic: bool) -> cards.Training:
    """What the model has seen: persons, subjects, image hashes and counts."""
    part, label = cohort["part"], cohort["label"]
    used = np.isin(part, SEEN)
    persons = {
        name: tuple(sorted(set(cohort["person"][part == name]) - {""}, key=natural_key))
        for name in SEEN
    }
    counts = {
        name: {LABEL_NAMES[c]: int(np.sum((part == name) & (label == c))) for c in (1, 0)}
        for name in SEEN
    }
    return cards.Training(
        split=cards.Split(split.kind, split.seed, split.leaky),
        persons=persons,
        subjects=tuple(sorted(set(cohort["subject"][used]) - {""}, key=natural_key)),
        hashes=cards.pack_hashes(value for value in cohort["sha256"][used] if value),
        cells=counts,
        synthetic=synthetic,
    )
