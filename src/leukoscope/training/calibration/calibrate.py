"""What follows the fit of any model: card, export, and what is chosen on validation persons.

The temperature, the operating point and the limits of what is answered for are set on the exported
model's answers for the validation cells, so they belong to the file that people use.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope import __version__
from leukoscope.core.errors import ParityError
from leukoscope.core.files import natural_key
from leukoscope.data.cnmc import cnmc
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.imaging.image import Crop
from leukoscope.data.splits.partition import Split
from leukoscope.evaluation.metrics.calibration import fit_temperature, sigmoid
from leukoscope.evaluation.metrics.conformal import class_limits
from leukoscope.evaluation.metrics.operating_point import choose_operating_point, operating_curve
from leukoscope.inference.model_file import card as cards
from leukoscope.inference.model_file.model_file import Outputs, load, write_card
from leukoscope.models.recipe.recipe import Recipe
from leukoscope.training.calibration.out_of_distribution import (
    fit_detector,
    quality_ranges,
    sample,
)
from leukoscope.training.estimators.inputs import Inputs

PARITY_CELLS = 64
# Of a logit: a probability moves by a quarter of this at most, which no printed digit shows.
TOLERANCE = 1e-3
BATCH = 32
# The share of a healthy person's cells that may be called blasts where the model answers. A model
# that calls 85 % of normal cells normal at the wanted recall, as is aimed at, need not abstain.
HEM_ERRORS = 0.15
SEEN = ("train", "validation")


def new_card(
    cohort: Cohort,
    recipe: Recipe,
    split: Split,
    *,
    synthetic: bool,
    packages: Iterable[str],
    **fields: Any,
) -> cards.Card:
    """The card of a model that has been fitted and not yet calibrated.

    Args:
        cohort: N cells with label, person, subject, sha256, part.
        recipe: What it was trained by.
        split: How the parts were made.
        synthetic: The cells were drawn, not photographed.
        packages: Whose versions it names.
        **fields: Of the card, as the kind of model has them.
    """
    return cards.Card(
        name=recipe.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=Crop(recipe.input.crop, recipe.input.size),
        training=seen(cohort, split, synthetic),
        data=cards.DataSource("Synthetic cells", "Leukoscope", "Apache-2.0", "")
        if synthetic
        else cards.DataSource("C-NMC 2019", cnmc.CITATION, cnmc.LICENSE, cnmc.DOI),
        license="Apache-2.0",
        recipe=recipe.to_dict(),
        versions={"leukoscope": __version__, **{name: version(name) for name in packages}},
        **fields,
    )


def export_and_calibrate(
    write: Callable[[cards.Card, np.ndarray], object],
    card: cards.Card,
    cohort: Cohort,
    inputs: Inputs,
    path: Path,
    target_recall: float,
) -> cards.Card:
    """Export a fitted model, calibrate the file, set its operating point and its limits.

    Args:
        write: Exports the model with a card to `path`, and compares the two on some inputs.
        card: From `new_card`.
        cohort: N cells with label, person, part.
        inputs: What the model is given, a row per cell.
        path: The model file.
        target_recall: The wanted recall of ALL.

    Returns:
        The card, as it stands in the file.

    Raises:
        ParityError: The exported model answers differently.
    """
    rows = np.flatnonzero(cohort["part"] == "validation")
    spread = rows[:: max(1, len(rows) // PARITY_CELLS)][:PARITY_CELLS]
    write(card, inputs[spread])
    card = add_rejection_limits(
        calibrated(card, path, cohort, inputs, target_recall), path, cohort, inputs
    )
    write_card(path, card)
    return card


def check_parity(path: Path, difference: float) -> None:
    """Refuse an exported model that answers otherwise than the one it was made of.

    Args:
        path: Where it was to be written.
        difference: The largest, of a logit.

    Raises:
        ParityError: It is too large, or no number.
    """
    if not difference <= TOLERANCE:
        raise ParityError(
            f"{path}: the exported model's logits differ from the trained model's by "
            f"{difference:.2g} (at most {TOLERANCE:g}); nothing was written. Please report "
            "this with the recipe."
        )


def calibrated(
    card: cards.Card, path: Path, cohort: Cohort, inputs: Inputs, target_recall: float
) -> cards.Card:
    """The card with what `calibrated_by` sets by the file's own answers for validation cells."""
    rows = np.flatnonzero(cohort["part"] == "validation")
    logit = _answers(path, inputs, rows).logit
    return calibrated_by(card, cohort.select(rows), logit, "validation", target_recall)


def calibrated_by(
    card: cards.Card, cohort: Cohort, logit: np.ndarray, part: str, target_recall: float
) -> cards.Card:
    """The card with temperature, operating point, curve and abstention.

    Of ALL cells those may lose their class that the operating point would miss as well.

    Args:
        card: Without them.
        cohort: N cells with label and person, of persons unknown to the model that answered.
        logit: (N,) its answers.
        part: What these cells are called on the card.
        target_recall: The wanted recall of ALL.
    """
    label, person = cohort["label"], cohort["person"]
    temperature = fit_temperature(logit, label, person)
    p = sigmoid(logit / temperature)
    curve = [tuple(values.round(4).tolist()) for values in operating_curve(label, p)]
    return replace(
        card,
        temperature=temperature,
        operating_point=choose_operating_point(label, p, person, target_recall, part),
        operating_curve=cards.OperatingCurve(*curve),
        abstention=class_limits(
            label, p, person, alpha_all=round(1 - target_recall, 6), alpha_hem=HEM_ERRORS
        ),
    )


def add_rejection_limits(
    card: cards.Card, path: Path, cohort: Cohort, inputs: Inputs
) -> cards.Card:
    """The card with what the model knows: looks and embeddings of training and validation cells."""
    part, person = cohort["part"], cohort["person"]
    trained, validated = (sample(person, np.flatnonzero(part == name)) for name in SEEN)
    train, validation = (embedded(path, inputs, rows) for rows in (trained, validated))
    return replace(
        card,
        image_limits=quality_ranges(cohort, np.concatenate([trained, validated])),
        out_of_distribution=fit_detector(train, person[trained], validation, person[validated]),
    )


def embedded(path: Path, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """The embeddings of some rows, (n, d), as the model file has them."""
    found = _answers(path, inputs, rows, embeddings=True).embedding
    assert found is not None  # asked for, and every model file has it
    return found


def _answers(path: Path, inputs: Inputs, rows: np.ndarray, *, embeddings: bool = False) -> Outputs:
    """What the model file says about some rows, a batch at a time."""
    model = load(path, threads=0)
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    outs = [
        model.run_inputs(np.ascontiguousarray(inputs[batch]), embeddings=embeddings)
        for batch in batches
    ]
    found = [out.embedding for out in outs if out.embedding is not None]
    logit = np.concatenate([out.logit for out in outs])
    return Outputs(logit, embedding=np.concatenate(found) if found else None)


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
        split=split.reference,
        persons=persons,
        subjects=tuple(sorted(set(cohort["subject"][used]) - {""}, key=natural_key)),
        hashes=cards.pack_hashes(value for value in cohort["sha256"][used] if value),
        cells=counts,
        synthetic=synthetic,
    )
