"""Fit a release model on all persons, with out-of-fold metrics on its card."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.api.data import Source, audited, keep_source
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.model_place import only_writer, require_model_place
from leukoscope.api.train import check_ground
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import RecipeError
from leukoscope.core.seeds import require_seed
from leukoscope.core.statistics import sigmoid
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from leukoscope.data.audit.checked import remarks
from leukoscope.data.cohort import Cohort, write_cohort
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.evaluation.metrics.calibration import expected_calibration_error, person_weights
from leukoscope.evaluation.metrics.metrics import CARD_METRICS

if TYPE_CHECKING:
    from leukoscope.training.release.publish import ReleasedModel

log = logging.getLogger(__name__)
VERDICTS = (*sorted(FROM_PROBABILITY), Verdict.NOT_A_CELL)


def release(
    source: Source,
    recipe: str = "default",
    *,
    out: Path | str = "model.onnx",
    folds: int = 7,
    seed: int = 0,
    predictions: Path | str | None = None,
    figures: Path | str | None = None,
    jobs: int | None = None,
    target_recall: float = 0.95,
    data_source: str | None = None,
    data_license: str | None = None,
) -> "ReleasedModel":
    """Fit the release model on all persons and report its out-of-fold performance.

    Unlike `train`, no person is held out of the fit. Metrics, temperature, operating point and
    limits come from a cross-validation over persons: each person is predicted by a model that has
    not seen that person, with everything set on other persons. The model that ships with the
    package was made this way.

    Args:
        source: As for `read_cohort`; a cohort.csv written by an audit saves auditing again.
        recipe: Name or YAML file of a recipe for a classical estimator.
        out: The model file to write.
        folds: Number of folds over persons; fewer where a class has fewer persons.
        seed: Random seed of the folds.
        predictions: A table (.csv) to write, with the out-of-fold prediction for each cell.
        figures: A folder for plots of these predictions.
        jobs: Number of threads; by default one for each core.
        target_recall: Sensitivity for ALL that the operating point is chosen for.
        data_source: Name of the data set for the model's card; see `audit`.
        data_license: Its license.

    Returns:
        The card, the out-of-fold predictions and their metrics.

    Raises:
        LeukoscopeError: The recipe or data cannot be used; the message says what to do.
    """
    with needs_train_extra("release"):
        from leukoscope.models.recipe.recipe import EstimatorRecipe, read_recipe
        from leukoscope.training.release.final_fit import fit_release_model
    seed = require_seed(seed)
    jobs = jobs or usable_cores()
    settings = read_recipe(recipe)
    if not isinstance(settings, EstimatorRecipe):
        raise RecipeError(
            f"recipe {settings.name}: trains a network, and `release` fits classical estimators; "
            "choose a recipe such as local, or train it with: leukoscope train"
        )
    require_model_place(out, [source], [])
    keep_source([out, predictions], source)
    with only_writer(out):
        cohort = audited(source, jobs=jobs, data_source=data_source, data_license=data_license)
        require_model_place(out, [cohort.source], cohort.paths)
        keep_source([out, predictions], cohort)
        check_ground(cohort, settings)
        for remark in remarks(cohort):
            log.warning(remark)
        released = fit_release_model(
            cohort,
            settings,
            Path(out),
            folds=folds,
            seed=seed,
            jobs=jobs,
            target_recall=target_recall,
        )
        if predictions:
            write_cohort(_with_predictions(released), Path(predictions))
        if figures:
            from leukoscope.training.release.plots import write_release_figures

            write_release_figures(released, Path(figures))
    return released


def release_text(released: "ReleasedModel") -> str:
    """Size, threshold and out-of-fold performance of a release model, as Markdown."""
    from leukoscope.inference.subject.text import subjects_text
    from leukoscope.modelcard.blocks import markdown_table
    from leukoscope.modelcard.page import person_table

    card, metrics = released.card, released.results.metrics
    assert card.operating_point is not None  # every release model has one
    lines = [
        f"{released.path}: {released.path.stat().st_size / 1e6:.1f} MB",
        f"temperature {card.temperature:.3f}, blast from {card.operating_point.threshold:.4f}",
        "",
        "| metric | out of fold, 95 % interval |\n|---|---|",
        *(f"| {metric.title} | {metrics[metric.key]} |" for metric in CARD_METRICS),
        f"\n{markdown_table(person_table(card.left_out))}\n",
        *filter(None, [below_chance(metrics["auroc"])]),
        subjects_text(card.subjects),
        _verdicts_text(released),
        _calibration_text(released),
    ]
    return "\n".join(lines)


def _with_predictions(released: "ReleasedModel") -> Cohort:
    """The cohort with a column for each part of an out-of-fold prediction."""
    predictions = released.predictions
    return released.cohort.with_columns(
        fold=predictions.fold,
        logit=predictions.logit,
        p_all=predictions.p,
        called=predictions.predicted_all,
        covered=predictions.covered,
        verdict=predictions.verdict,
    )


def _verdicts_text(released: "ReleasedModel") -> str:
    """The fraction of each verdict among the cells of each class."""
    label, verdict = released.cohort["label"], released.predictions.verdict
    return "; ".join(
        f"of {name} cells "
        + ", ".join(f"{np.mean(verdict[label == value] == one):.1%} {one}" for one in VERDICTS)
        for value, name in ((1, "ALL"), (0, "HEM"))
    )


def _calibration_text(released: "ReleasedModel") -> str:
    """The calibration error with equal weight for each person, as for the temperature."""
    label, predictions = released.cohort["label"], released.predictions
    weight = person_weights(released.cohort["person"].astype(str))
    before = expected_calibration_error(label, sigmoid(predictions.logit), weight=weight)
    after = expected_calibration_error(label, predictions.p, weight=weight)
    return (
        "calibration error with equal weight for each person: "
        f"{before:.3f} without temperature, {after:.3f} with it"
    )
