"""Choose among candidate settings by cross-validation over the persons of the training part."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.groups import grouped, linked_persons
from leukoscope.data.splits.stratify import stratified_parts
from leukoscope.models.estimators.base import Estimator, Floats
from leukoscope.training.network.sampling import even_weights


@dataclass(frozen=True)
class Choice:
    """What was chosen, and among what.

    Attributes:
        chosen: A value for each setting that holds candidates.
        candidates: All combinations.
        auroc: float64 (candidates, folds), on the persons left out, each counting the same within
            a class; no folds where there was nothing to choose.
    """

    chosen: dict[str, float]
    candidates: tuple[dict[str, float], ...]
    auroc: np.ndarray


Track = Callable[[Iterable[Any], str, int], Iterator[Any]]


def choose(
    settings: Estimator,
    cohort: Cohort,
    values: Floats,
    weights: Floats,
    *,
    seed: int,
    jobs: int = 1,
    track: Track = lambda items, _text, _total: iter(items),
) -> Choice:
    """Try each candidate on persons left out of its fit, and take the best on average.

    Args:
        settings: With the candidates.
        cohort: The n training cells, with label and person.
        values: float32 (n, F), their descriptors.
        weights: (n,) what each cell counts in a fit.
        seed: Of the folds and the trees.
        jobs: Threads.
        track: Shows progress over the fits.

    Raises:
        TrainingError: There is a choice, and a class has one person only.
    """
    candidates = settings.candidates()
    if len(candidates) == 1:
        return Choice(candidates[0], tuple(candidates), np.empty((1, 0)))
    fold = person_folds(cohort, settings.folds, seed)
    label = cohort["label"].astype(np.int64)
    counts = even_weights(label, cohort["person"], "person")
    folds = int(fold.max()) + 1

    def auroc(task: tuple[dict[str, float], int]) -> float:
        from sklearn.metrics import roc_auc_score

        candidate, number = task
        own, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        fitted = settings.fit(candidate, values[own], label[own], weights[own], seed=seed)
        return float(
            roc_auc_score(label[out], fitted.logit(values[out]), sample_weight=counts[out])
        )

    tasks = [(candidate, number) for candidate in candidates for number in range(folds)]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        found = list(track(pool.map(auroc, tasks), "Choosing settings", len(tasks)))
    table = np.reshape(found, (len(candidates), folds))
    return Choice(candidates[int(table.mean(axis=1).argmax())], tuple(candidates), table)


def person_folds(cohort: Cohort, folds: int, seed: int) -> np.ndarray:
    """A fold for each cell; a person, and whoever shares a cell with it, stands in one.

    Args:
        cohort: Labeled cells with person.
        folds: How many, where each class has that many persons; fewer where not.
        seed: Of the draw.

    Raises:
        TrainingError: A class has one person only.
    """
    groups, cells = grouped(cohort, linked_persons(cohort))
    persons = int((cells > 0).sum(axis=0).min())
    if persons < 2:
        raise TrainingError(
            f"{cohort.source}: a class has cells of {persons} person for training, too few to "
            "choose settings over persons; give one value for each, as in --set classical.c=1."
        )
    folds = min(folds, persons)
    names = [f"fold {number}" for number in range(folds)]
    drawn = stratified_parts(cells, [1 / folds] * folds, names, np.random.default_rng((seed, 7)))
    of = {person: part for group, part in zip(groups, drawn, strict=True) for person in group}
    return np.array([of[person] for person in cohort["person"]])
