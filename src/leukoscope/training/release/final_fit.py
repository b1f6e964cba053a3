"""A model to ship: fitted on every person, with figures from persons its like had never seen.

A model that has seen all persons leaves none to measure it on, and with few healthy persons each
one kept back costs. So a model is fitted for each fold of a cross-validation over persons as well,
and answers for the persons it has not seen. Temperature, operating point and limits of the shipped
model come from all these answers; the figures on its card call the persons of a fold by what was
set on the others alone.

Source: V. Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74,
2015. What a limit promises holds for the folds' models, and for the shipped one as far as it
answers as they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leukoscope.core.files import atomic_path
from leukoscope.core.values import Cells, Estimate, MetricResult
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.splits.partition import Split
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, bootstrap_metrics
from leukoscope.evaluation.metrics.calibration import sigmoid
from leukoscope.evaluation.metrics.metrics import UNTEMPERED
from leukoscope.evaluation.metrics.selective import Selection, measure_selection
from leukoscope.evaluation.record import PersonRow
from leukoscope.evaluation.summary import person_rows
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import write_card
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.models.recipe.recipe import EstimatorRecipe
from leukoscope.training.calibration.file_outputs import predict_embeddings
from leukoscope.training.calibration.out_of_distribution import (
    Quality,
    fit_by_person,
    measure_quality,
    sample,
)
from leukoscope.training.calibration.package import export, verify_parity
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.inputs import file_inputs
from leukoscope.training.estimators.train import card_of, exportable, fitted_on, measured
from leukoscope.training.release.cross_validate import (
    PART,
    OutOfFoldPredictions,
    apply_thresholds,
    calibrate_on,
    cross_val_predict,
)


@dataclass(frozen=True)
class ReleasedModel:
    """What came of it.

    Attributes:
        card: As it stands in the file.
        figures: Of the cross-validation, with intervals over persons.
        rows: How each person's cells were called.
        selection: What was answered.
        cohort: The N cells.
        answers: What the folds' models said of them.
    """

    card: Card
    figures: Mapping[str, Estimate]
    rows: tuple[PersonRow, ...]
    selection: Selection
    cohort: Cohort
    answers: OutOfFoldPredictions


def fit_release_model(
    cohort: Cohort,
    recipe: EstimatorRecipe,
    path: Path,
    *,
    folds: int = 7,
    seed: int = 0,
    jobs: int = 2,
    target_recall: float = 0.95,
) -> ReleasedModel:
    """Fit a classical recipe on all labeled cells and write the model file.

    Args:
        cohort: Hashed cells with person.
        recipe: The settings.
        path: The model file.
        folds: Of the cross-validation, where each class has that many persons; fewer where not.
        seed: Of the folds.
        jobs: Threads.
        target_recall: For the operating point.

    Raises:
        TrainingError: A class has one person only.
        ParityError: The file answers otherwise than the fitted estimator.
    """
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    cohort = cohort.with_columns(part=np.full(len(cohort), "train", dtype=object))
    cohort, values = measured(cohort, recipe, jobs)
    fold = person_folds(cohort, folds, seed)
    seen = measure_quality(cohort.paths, jobs)
    asked = cross_val_predict(cohort, recipe, values, fold, seen, seed=seed, jobs=jobs)
    choice, fitted = fitted_on(recipe, cohort, values, seed, jobs)
    card = card_of(cohort, recipe, _everyone(cohort, seed), choice, fitted)
    inputs, every = file_inputs(cohort, recipe, values), np.arange(len(cohort))
    with atomic_path(path) as temporary:
        model = exportable(fitted, recipe)
        exported = export(model, card, temporary)
        verify_parity(model, exported, inputs, every, path)
        some = sample(cohort["person"], every)
        embedding = predict_embeddings(exported, inputs, some)
        space = fit_by_person(embedding, cohort["person"][some])
        answers = apply_thresholds(card, cohort, asked, space, target_recall)
        card = calibrate_on(card, cohort, asked, every, space, target_recall)
        rows, selection = _by_person(cohort, answers)
        figures = _figures(cohort, answers) | selection.metrics()
        everyone = Cells(PART, len(cohort.unique("person")), len(cohort))
        card = replace(
            card,
            results={key: MetricResult.of(e, everyone) for key, e in figures.items()},
            left_out=_persons(cohort, rows, selection, seen),
        )
        write_card(temporary, card)
    return ReleasedModel(card, figures, rows, selection, cohort, answers)


def _everyone(cohort: Cohort, seed: int) -> Split:
    """The split in which every person is a training person."""
    return Split("everyone", seed, "person", dict.fromkeys(cohort.unique("person"), "train"), False)


def _figures(cohort: Cohort, answers: OutOfFoldPredictions) -> dict[str, Estimate]:
    """Every metric with its interval: rankings by probability, calls by operating point."""
    label, person = cohort["label"], cohort["person"]
    measured = bootstrap_metrics(label, answers.p, person, threshold=answers.threshold)
    before = bootstrap_metrics(label, sigmoid(answers.logit), person, threshold=0.5)
    return measured | {UNTEMPERED.key: before["ece"]}


def _by_person(
    cohort: Cohort, answers: OutOfFoldPredictions
) -> tuple[tuple[PersonRow, ...], Selection]:
    """How each person's cells were called, and what was answered."""
    label, person = cohort["label"], cohort["person"]
    rows = person_rows(label, answers.p, person, answers.threshold, cohort["subject"])
    selection = measure_selection(
        label,
        answers.p,
        person,
        answers.verdict,
        threshold=answers.threshold,
        limits=None,
        covered=answers.covered,
        replicates=REPLICATES,
        seed=0,
    )
    return rows, selection


def _persons(
    cohort: Cohort, rows: tuple[PersonRow, ...], selection: Selection, seen: list[Quality | None]
) -> tuple[OutOfFoldResult, ...]:
    """A row for each person and class as the card holds it, in the order of `rows`."""
    answered = {(one.person, one.label): one for one in selection.persons}
    area = np.array([np.nan if one is None else np.exp(one["area"]) for one in seen])
    found = []
    for row in rows:
        own = area[cohort["person"] == row.person]
        said = answered[row.person, row.label]
        found.append(
            OutOfFoldResult(
                person=row.person,
                label=row.label,
                cells=row.cells,
                area=None if np.isnan(own).all() else round(float(np.nanmedian(own))),
                right=row.right,
                answered=said.answered,
                wrong=said.wrong,
                not_cells=said.not_cells,
                covered=said.covered or 0,
                mean_p=round(row.mean_p, 4),
            )
        )
    return tuple(found)
