"""Adapt a model to the cells of another laboratory."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.api.data import Source, audited
from leukoscope.api.evaluate import check_overlap, labeled, opened
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.model_place import only_writer, require_model_place
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import LeakageError
from leukoscope.core.seeds import require_seed
from leukoscope.data.advice import crop_advice, require_black_ground
from leukoscope.data.audit.checked import remarks
from leukoscope.data.scale import scale_advice
from leukoscope.evaluation.metrics.below_chance import CHANCE, below_chance
from leukoscope.inference.model_file.model_file import default_model, read_card

if TYPE_CHECKING:
    from leukoscope.data.cohort import Cohort
    from leukoscope.inference.model_file.card import Card
    from leukoscope.training.adaptation.adapt import AdaptedModel

log = logging.getLogger(__name__)


def adapt(
    model: Path | str | None,
    source: Source,
    *,
    out: Path | str = "adapted.onnx",
    folds: int = 7,
    seed: int = 0,
    refit: bool | None = None,
    jobs: int | None = None,
    target_recall: float = 0.95,
    data_source: str | None = None,
    data_license: str | None = None,
) -> "AdaptedModel":
    """Adapt a model to labeled cells of another laboratory, of persons that it has not seen.

    The network stays as it is. The offset of the logit, the temperature, the operating point, the
    limits and the model of subjects are set on the new persons; with eight persons of each class or
    more, also weights of the embedding where they help. What is reported about a person was set on
    the other persons.

    Args:
        model: A model file or a run folder; None for the model that ships with the package.
        source: As for `read_cohort`; a cohort.csv written by an audit saves auditing again.
        out: The model file to write.
        folds: Number of folds over persons; fewer where a class has fewer persons.
        seed: Random seed of the folds.
        refit: True: always fit weights; False: never; None: where there are enough persons and they
            help by more than the spread over persons.
        jobs: Number of threads.
        target_recall: Sensitivity for ALL that the operating point is chosen for.
        data_source: Name of the data set for the model's card; see `audit`.
        data_license: Its license.

    Returns:
        The card, the out-of-fold predictions, and the metrics before and after.

    Raises:
        LeakageError: The model was trained on some of these persons or images.
        LeukoscopeError: A class has fewer than three persons, or the data cannot be used; the
            message says what to do.
    """
    with needs_train_extra("adapt"):
        from leukoscope.training.adaptation.adapt import adapt_model

        path = default_model() if model is None else opened(model)[1]
    seed = require_seed(seed)
    require_model_place(out, [path, source], [])
    with only_writer(out):
        jobs = jobs or usable_cores()
        card = read_card(path)
        cohort = labeled(
            audited(source, jobs=jobs, data_source=data_source, data_license=data_license)
        )
        require_model_place(out, [path, cohort.source], cohort.paths)
        require_unseen(card, cohort)
        require_black_ground(cohort)
        advice = (scale_advice(cohort), crop_advice(cohort, card.input.crop))
        for line in filter(None, [*remarks(cohort), *advice]):
            log.warning(line)
        adapted = adapt_model(
            path,
            cohort,
            Path(out),
            folds=folds,
            seed=seed,
            jobs=jobs,
            target_recall=target_recall,
            refit=refit,
        )
    for line in auroc_remarks(adapted):
        log.warning(line)
    return adapted


def require_unseen(card: "Card", cells: "Cohort") -> None:
    """Refuse cells of persons, or images, that the model has seen.

    Raises:
        LeakageError: It has seen some.
    """
    if shared := check_overlap(card, cells, allowed=True):
        raise LeakageError(
            f"{cells.source}: the model was trained on {shared.text()}, and limits "
            "set on them would be too good. Name cells of other persons; if other persons have "
            "these ids in your data, name it: --data-source NAME."
        )


def auroc_remarks(adapted: "AdaptedModel") -> list[str]:
    """Warnings where the old or the adapted model does not separate the classes."""
    before, after = adapted.before.get("auroc"), adapted.results.metrics["auroc"]
    found = [("before adaptation", below_chance(before)), ("adapted", below_chance(after))]
    remarks = [f"{when}: {remark}" for when, remark in found if remark]
    if not remarks and after.low is not None and after.low <= CHANCE:
        return [
            f"AUROC {after} on these persons: the model does not separate the classes of these "
            "cells, "
            "and no threshold can change that. Train on your own cells: leukoscope train"
        ]
    return remarks


def adaptation_report(adapted: "AdaptedModel") -> str:
    """Describe an adaptation as Markdown, with the metrics before and after."""
    from leukoscope.evaluation.metrics.metrics import CARD_METRICS
    from leukoscope.inference.model_file.adaptation import adaptation_text
    from leukoscope.inference.subject.text import subjects_text

    card, after = adapted.card, adapted.results.metrics
    assert card.operating_point is not None  # every adapted model has one
    rows = [
        f"| {metric.title} | {adapted.before.get(metric.key, '')} | {after[metric.key]} |"
        for metric in CARD_METRICS
    ]
    return "\n".join(
        [
            adaptation_text(card.adaptation),
            "",
            "| metric, 95 % interval | before | adapted, each person left out |",
            "|---|---|---|",
            *rows,
            "",
            f"blast from {card.operating_point.threshold:.4f}",
            subjects_text(card.subjects),
        ]
    )
