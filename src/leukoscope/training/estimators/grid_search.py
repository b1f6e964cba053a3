"""Choose among candidate settings by cross-validation over training persons."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.seeds import generator
from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.groups import grouped, linked_persons
from leukoscope.data.splits.stratify import stratified_parts
from leukoscope.models.estimators.base import Estimator, Floats
from leukoscope.training.network.sampling import even_weights


@dataclass(frozen=True)
class Choice:
    """The chosen settings, and the candidates.

    Attributes:
        chosen: A value for each setting that has candidates.
        candidates: All combinations.
        auroc: float64 (candidates, folds), out of fold, with equal weight for each person of a
            class; no folds if there was only one candidate.
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
    """Cross-validate each candidate over persons, and take the one with the best mean AUROC.

    Args:
        settings: The settings, with candidates.
        cohort: The n training cells, with label and person.
        values: float32 (n, F), their descriptors.
        weights: (n,) sample weights.
        seed: Random seed of the folds and of trees.
        jobs: Number of threads.
        track: Shows the progress of the fits.

    Raises:
        TrainingError: There are several candidates, and a class has one person only.
    """
    candidates = settings.candidates()
    if len(candidates) == 1:
        return Choice(candidates[0], tuple(candidates), np.empty((1, 0)))
    fold = person_folds(cohort, settings.folds, seed)
    label, person = cohort["label"].astype(np.int64), cohort["person"]
    equal = even_weights(label, person, "person")
    folds = int(fold.max()) + 1

    def auroc(task: tuple[dict[str, float], int]) -> float:
        from sklearn.metrics import roc_auc_score

        candidate, number = task
        others, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        fitted = settings.fit(
            candidate,
            values[others],
            label[others],
            weights[others],
            person=person[others],
            seed=seed,
        )
        score = fitted.logit(values[held_out])
        return float(roc_auc_score(label[held_out], score, sample_weight=equal[held_out]))

    tasks = [(candidate, number) for candidate in candidates for number in range(folds)]
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        scores = list(track(pool.map(auroc, tasks), "Choosing settings", len(tasks)))
    table = np.reshape(scores, (len(candidates), folds))
    return Choice(candidates[int(table.mean(axis=1).argmax())], tuple(candidates), table)


def person_folds(cohort: Cohort, folds: int, seed: int) -> np.ndarray:
    """A fold for each cell; a person, and any other with an image of the same cell, is in one fold.

    Args:
        cohort: Labeled cells with person.
        folds: Number of folds; fewer if a class has fewer persons.
        seed: Random seed.

    Raises:
        TrainingError: A class has fewer than two persons.
    """
    groups, cells = grouped(cohort, linked_persons(cohort))
    persons = int((cells > 0).sum(axis=0).min())
    if persons < 2:
        raise TrainingError(
            f"{cohort.source}: a class has cells of {counted(persons, 'person')}, too few to fit "
            "on some persons and measure on others. Add persons; or, where only settings are "
            "chosen, give each one value in the recipe (--set classical.c=1)."
        )
    folds = min(folds, persons)
    names = [f"fold {number}" for number in range(folds)]
    drawn = stratified_parts(cells, [1 / folds] * folds, names, generator(seed, 7))
    by_person = {name: fold for group, fold in zip(groups, drawn, strict=True) for name in group}
    return np.array([by_person[person] for person in cohort["person"]])
