"""Persons as units: exact intervals, mixed persons left out, and cells in context."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from leukoscope.core.statistics import sigmoid
from leukoscope.core.values import Cells, OperatingPoint
from leukoscope.evaluation.metrics.persons import clopper_pearson
from leukoscope.evaluation.person_answers import measure_persons
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.report.person_answers import person_answers
from leukoscope.evaluation.summary import evaluate_table
from leukoscope.evaluation.table import CellTable, scored_cells
from tests.inference.subject.test_answer import MODEL


def cells(persons: int = 3, number: int = 12) -> CellTable:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], persons * number)
    logit = rng.normal(2 * label - 1, 0.6)
    person = [f"{y}{i // number % persons}" for i, y in enumerate(label)]
    return scored_cells(
        {
            "label": label,
            "logit": logit,
            "p_all": sigmoid(logit / 0.5),
            "person": person,
            "verdict": ["uncertain"] * len(label),
        }
    )


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 9), (21, 22)])
def test_intervals_are_exact(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(method="exact")
    assert clopper_pearson(k, n) == pytest.approx((expected.low, expected.high))


def test_persons_are_the_units() -> None:
    found = measure_persons(cells(), MODEL, replicates=50, seed=0)
    assert found is not None
    assert [(row.label, row.answer.cells) for row in found.rows] == [("ALL", 12)] * 3 + [
        ("HEM", 12)
    ] * 3
    assert (found.sensitivity.value, found.sensitivity.low) == (1, pytest.approx(0.2924, abs=1e-4))
    assert (found.auroc.value, found.left_out, found.wrong.value) == (1, 0, 0)
    assert [point.cells for point in found.curve] == [1, 2, 5, 10, 20, 50]
    assert found.in_context["auroc"].value > 0.9


def test_persons_of_both_labels_are_left_out_and_one_class_has_no_ranking() -> None:
    table = cells()
    label = table.label.copy()
    label[0] = 1
    mixed = scored_cells({**vars(table), "p_all": table.p, "label": label, **_without()})
    found = measure_persons(mixed, MODEL, replicates=10, seed=0)
    assert found is not None
    assert (found.left_out, len(found.rows)) == (1, 5)
    ones = scored_cells({**vars(table), "p_all": table.p, "label": np.ones(72), **_without()})
    alone = measure_persons(ones, MODEL, replicates=10, seed=0)
    assert alone is not None
    assert np.isnan(alone.auroc.value)
    assert np.isnan(alone.specificity.value)
    assert alone.curve == ()


def test_without_a_model_there_is_no_answer() -> None:
    assert measure_persons(cells(), None, replicates=10, seed=0) is None


def _without() -> dict[str, object]:
    names = ("subject", "path", "area")
    return {name: [""] * 72 if name != "area" else np.zeros(72) for name in names}


def test_the_record_of_an_evaluation_holds_them() -> None:
    point = OperatingPoint(0.5, 0.95, 0.95, 0.9, Cells("validation", 3, 30))
    protocol = Protocol("by person", notes=())
    made = evaluate_table(
        cells(), operating_point=point, protocol=protocol, subjects=MODEL, replicates=20
    )
    read = Evaluation.from_json(made.to_json())
    assert read.person_answers is not None
    assert made.person_answers is not None
    assert read.person_answers.rows == made.person_answers.rows
    assert read.metrics["persons_auroc"] == made.metrics["persons_auroc"]
    assert len(list(person_answers(read))) >= 4


def test_a_record_of_an_earlier_version_has_no_auroc_of_persons() -> None:
    point = OperatingPoint(0.5, 0.95, 0.95, 0.9, Cells("validation", 3, 30))
    made = evaluate_table(
        cells(), operating_point=point, protocol=Protocol("by person"), replicates=20
    )
    body = json.loads(made.to_json())
    del body["metrics"]["persons_auroc"], body["person_answers"]
    read = Evaluation.from_json(json.dumps(body))
    assert np.isnan(read.metrics["persons_auroc"].value)
    assert read.person_answers is None


def test_copies_of_an_image_count_once_for_their_person() -> None:
    table = cells()
    columns = {**vars(table), "p_all": table.p, **_without()}
    columns["pixel_sha256"] = [f"{n:064x}"[::-1] for n in range(len(table))]
    doubled = {
        name: np.concatenate([values, values])
        for name, values in columns.items()
        if values is not None and np.ndim(values)
    }
    once, twice = (
        measure_persons(scored_cells(one), MODEL, replicates=10, seed=0)
        for one in (columns, doubled)
    )
    assert once is not None
    assert twice is not None
    assert [row.answer.copies for row in twice.rows] == [12] * 6
    assert [row.answer.probability for row in twice.rows] == [
        row.answer.probability for row in once.rows
    ]
    assert twice.auroc == once.auroc
