"""The number of cells needed per person: performance over persons by number of cells."""

from collections.abc import Sequence

import numpy as np

from leukoscope.core.seeds import generator
from leukoscope.core.verdicts import SubjectVerdict
from leukoscope.evaluation.metrics.persons import person_auroc
from leukoscope.inference.subject.answer import answer_subject
from leukoscope.inference.subject.model import CurvePoint, Floats, SubjectModel, log_odds

CURVE_CELLS = (1, 2, 5, 10, 20, 50)
Person = tuple[int, Floats]
"""Label and logits of one person."""


def group_persons(label: np.ndarray, person: np.ndarray, logit: np.ndarray) -> list[Person]:
    """Label and logits of each known person with cells of one class.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        person: (N,) "" where unknown.
        logit: (N,) uncalibrated; those that are not finite are left out.
    """
    found = []
    for name in sorted(set(person.tolist()) - {""}):
        own = (person == name) & np.isfinite(logit)
        classes = set(label[own].tolist())
        if len(classes) == 1:
            found.append((int(classes.pop()), np.asarray(logit[own], np.float64)))
    return found


def cells_curve(
    model: SubjectModel,
    persons: Sequence[Person],
    models: Sequence[SubjectModel] | None = None,
    *,
    draws: int,
    seed: int = 0,
) -> tuple[CurvePoint, ...]:
    """Performance over persons against the number of random cells used.

    AUROC ranks by the one model: at a given number of cells that is the order of the mean logits,
    in which nothing is fitted.

    Args:
        model: Ranks the persons.
        persons: Label and logits of each person; both classes occur.
        models: The model that answers for each person, for example one fitted without that person;
            by default `model`.
        draws: Random choices of cells for each point.
        seed: Seed of the random choices.
    """
    rng, points = generator(seed), []
    answering = models or [model] * len(persons)
    label = np.array([y for y, _ in persons])
    for cells in CURVE_CELLS:
        rows = []
        for _ in range(draws):
            drawn = [z[rng.permutation(len(z))[:cells]] for _, z in persons]
            score = [mean_log_odds(model, z) for z in drawn]
            answers = [answer_subject(one, z) for one, z in zip(answering, drawn, strict=True)]
            p = np.array([answer.probability for answer in answers], np.float64)
            given = np.array([answer.verdict != SubjectVerdict.UNCERTAIN for answer in answers])
            wrong = given & ((p >= 0.5) != (label == 1))
            found, kept = np.mean(p[label == 1] >= 0.5), np.mean(p[label == 0] < 0.5)
            rows.append((person_auroc(label, score), found, kept, given.mean(), wrong.mean()))
        points.append(CurvePoint(cells, *np.mean(rows, axis=0).round(4).tolist()))
    return tuple(points)


def mean_log_odds(model: SubjectModel, logits: Floats) -> float:
    """The log-odds of a leukemic population, from the clipped mean of some logits."""
    return log_odds(model, float(model.clip(logits).mean()), len(logits)).value
