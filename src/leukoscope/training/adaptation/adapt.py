"""Adapt a model file to the cells of another laboratory.

The network stays as it is. A head (`adaptation.head`), the temperature, the operating point, the
limits and the model of subjects are set on the new persons. What is reported about a person was set
on the others: heads are fitted for each fold of a cross-validation over the new persons, and
thresholds for a fold are set on the out-of-fold scores of the other folds, as in a release.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.seeds import require_seed
from leukoscope.core.statistics import sigmoid
from leukoscope.core.values import Estimate
from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.evaluation.metrics.bootstrap import bootstrap_metrics
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, load
from leukoscope.inference.verdict import threshold
from leukoscope.training.adaptation.adapted_card import adapted_card
from leukoscope.training.adaptation.graph import append_head
from leukoscope.training.adaptation.head import Head, Outputs, fit_head, persons_of_classes
from leukoscope.training.calibration.file_outputs import predict_both
from leukoscope.training.calibration.model_inputs import model_inputs
from leukoscope.training.calibration.out_of_distribution import measure_quality
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.release.cross_validate import (
    FoldModel,
    OutOfFoldScores,
    cross_val_predict,
)
from leukoscope.training.release.publish import ReleasedModel, publish_model, results_of_card

FEWEST_FOLDS = 2
FEWEST_PERSONS = 3
"""Persons of each class without which nothing can be set on some and measured on others."""
PART = "adaptation, persons left out"
"""The name, on the card, of the cells that metrics come from."""


@dataclass(frozen=True)
class AdaptedModel(ReleasedModel):
    """An adapted model, and its performance on the new persons, each left out.

    Attributes:
        before: Metrics of the old model with its own thresholds, on the same cells.
    """

    before: dict[str, Estimate]


@dataclass(frozen=True)
class _Adapted:
    """A model with a head, as `export` and `verify_parity` take it."""

    base: ModelFile
    head: Head

    def to_onnx(self, path: Path) -> None:
        append_head(self.base.path, path, self.head)

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        return self.head.logit(*predict_both(self.base, inputs))


def adapt_model(
    model: Path,
    cohort: Cohort,
    path: Path,
    *,
    folds: int = 7,
    seed: int = 0,
    jobs: int = 2,
    target_recall: float = 0.95,
    refit: bool | None = None,
) -> AdaptedModel:
    """Adapt a model file to labeled cells of persons that it has not seen.

    Args:
        model: The model file.
        cohort: Hashed cells with label and person.
        path: The model file to write.
        folds: Number of folds over persons; fewer where a class has fewer persons.
        seed: Random seed of the folds.
        jobs: Number of threads.
        target_recall: The wanted sensitivity for ALL at the operating point.
        refit: As for `head.fit_head`.

    Raises:
        TrainingError: A class has fewer than three persons, cells have none, there are too few
            folds, or the model's outputs are not finite.
        ParityError: The file and the model with its head differ.
    """
    seed = require_seed(seed)
    if folds < FEWEST_FOLDS:
        raise TrainingError(f"folds is {folds}; give {FEWEST_FOLDS} or more.")
    base = load(model, threads=0)
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    require_persons(cohort)
    cohort = cohort.with_columns(part=np.full(len(cohort), "validation", dtype=object))
    cohort, inputs = model_inputs(base.card, cohort, jobs)
    require_persons(cohort)
    outputs = Outputs(cohort, *predict_both(base, inputs))
    _require_finite(model, outputs)
    quality = measure_quality(cohort.paths, jobs)
    fold = person_folds(cohort, folds, seed)
    scores = _out_of_fold(outputs, fold, quality, seed, refit)
    head = fit_head(outputs, seed, refit=refit)
    before = _before(base.card, outputs)
    digest = sha256(model.read_bytes()).hexdigest()
    published = publish_model(
        _Adapted(base, head),
        adapted_card(base.card, digest, cohort, head, results_of_card(before, cohort, PART)),
        cohort,
        scores,
        inputs,
        path,
        embed=lambda _, rows: outputs.embedding[rows],  # a head leaves them as they are
        part=PART,
        target_recall=target_recall,
    )
    return AdaptedModel(**vars(published), before=before)


def require_persons(cohort: Cohort) -> None:
    """Refuse a cohort with too few persons.

    Raises:
        TrainingError: Cells have no person, or a class has fewer than three persons.
    """
    if unnamed := int(np.sum(cohort["person"] == "")):
        raise TrainingError(
            f"{cohort.source or 'the cohort'}: {counted(unnamed, 'cell')} without a person; "
            "limits are set on some persons and measured on others. State the persons: a column "
            "'subject' in a table, or --subject-pattern for a folder."
        )
    leukemic, normal = persons_of_classes(cohort)
    if min(leukemic, normal) < FEWEST_PERSONS:
        raise TrainingError(
            f"{cohort.source or 'the cohort'}: {counted(leukemic, 'person')} with ALL cells and "
            f"{normal} with "
            f"HEM cells, and adapting needs at least {FEWEST_PERSONS} of each: limits that are set "
            "on fewer say nothing about the next person. Add persons, or use the model as it is "
            "and read its verdicts with care."
        )


def _require_finite(model: Path, outputs: Outputs) -> None:
    finite = np.isfinite(outputs.logit) & np.isfinite(outputs.embedding).all(axis=1)
    if failed := int(np.sum(~finite)):
        raise TrainingError(
            f"{model}: its output is no finite number for {failed:,} of "
            f"{counted(len(finite), 'cell')}, so nothing can be set. Check the file: leukoscope "
            "model verify"
        )


def _out_of_fold(
    outputs: Outputs, fold: np.ndarray, quality: list, seed: int, refit: bool | None
) -> OutOfFoldScores:
    """Scores of each fold by the head, and the distances by the cells, of the other folds."""

    def fit(rows: np.ndarray) -> FoldModel:
        head = fit_head(outputs.select(rows), seed, refit=refit)
        return FoldModel(
            lambda these: head.logit(outputs.logit[these], outputs.embedding[these]),
            lambda these: outputs.embedding[these],
        )

    return cross_val_predict(outputs.cohort, fold, quality, fit)


def _before(card: Card, outputs: Outputs) -> dict[str, Estimate]:
    """Metrics of the old model as it is; these persons have set nothing in it."""
    p = sigmoid(outputs.logit / card.temperature)
    label, person = outputs.cohort["label"], outputs.cohort["person"]
    return bootstrap_metrics(label, p, person, threshold=threshold(card))
