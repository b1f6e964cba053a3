"""How the answer for a subject does on persons left out, and on cells of two persons mixed.

    leukoscope release DATA --predictions out-of-fold.csv
    python -m benchmarks.subjects out-of-fold.csv

Every figure is for persons whose cells are in neither the network that scored them nor the model of
subjects that answers: the model is fitted again without each person, and without both of a mixture.
"""

import argparse
from dataclasses import replace

import numpy as np

from leukoscope.data.cohort import read_cohort_table
from leukoscope.evaluation.person_curve import Person, cells_curve, group_persons
from leukoscope.inference.subject.answer import answer_subject
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.subject.text import CURVE_HEADERS, curve_row
from leukoscope.training.calibration.subjects import (
    fit_effects,
    fit_persons,
    models_left_out,
)

SIZES = (20, 50, 100, 200)
DRAWS = 40
VERDICTS = ("leukemic", "normal", "uncertain")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("predictions", help="out-of-fold.csv, of `leukoscope release`")
    table = read_cohort_table(parser.parse_args().predictions)
    persons = group_persons(table["label"], table["person"], table["logit"])
    model = fit_persons(persons, "out of fold")
    models = models_left_out(model, persons)
    answers = [answer_subject(one, z) for one, (_, z) in zip(models, persons, strict=True)]
    print("whole persons, each left out")
    for value, name in ((1, "ALL"), (0, "HEM")):
        own = [one for one, (y, _) in zip(answers, persons, strict=True) if y == value]
        counts = {
            v: sum(one.verdict == v for one in own) for v in ("leukemic", "normal", "uncertain")
        }
        print(name, len(own), counts)
    print(*CURVE_HEADERS, sep=" | ")
    for point in cells_curve(model, persons, models, draws=20):
        print(*curve_row(point), sep=" | ")
    print("cells | fraction | leukemic | normal | uncertain | mean error | bias | covered")
    for cells in SIZES:
        for tenth in range(11):
            print(*_mixtures(model, persons, cells, tenth / 10), sep=" | ", flush=True)


def _mixtures(
    model: SubjectModel, persons: list[Person], cells: int, fraction: float
) -> tuple[str, ...]:
    rng, rows = np.random.default_rng(0), []
    kinds = [[i for i, (y, _) in enumerate(persons) if y == value] for value in (0, 1)]
    for _ in range(DRAWS):
        hem, blast = (int(rng.choice(kind)) for kind in kinds)
        others = [one for i, one in enumerate(persons) if i not in (hem, blast)]
        own = replace(fit_effects(others, model.part), inflation=model.inflation)
        count = round(cells * fraction)
        drawn = rng.choice(persons[blast][1], count), rng.choice(persons[hem][1], cells - count)
        answer = answer_subject(own, np.concatenate(drawn))
        assert answer.blasts is not None
        assert answer.blasts_low is not None
        assert answer.blasts_high is not None
        error = answer.blasts - fraction
        inside = answer.blasts_low <= fraction <= answer.blasts_high
        verdicts = (answer.verdict == one for one in VERDICTS)
        rows.append((*verdicts, abs(error), error, inside))
    return (str(cells), f"{fraction:.1f}", *(f"{value:.2f}" for value in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
