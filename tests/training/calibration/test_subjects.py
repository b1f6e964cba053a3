"""The model of subjects is fitted over persons, and needs three of each class."""

import numpy as np
import pytest

from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.evaluation.person_curve import group_persons
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.subject.answer import answer_subject
from leukoscope.training.calibration import subjects
from tests.inference.tiny_model import tiny_card


def made(persons: int, cells: int = 12, seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """Cells of some persons of each class, and logits with effects of the person."""
    rng = np.random.default_rng(seed)
    who, label, logit = [], [], []
    for value in (0, 1):
        for number in range(persons):
            who += [f"{value}-{number}"] * cells
            label += [value] * cells
            logit += rng.normal(2 * value - 1 + rng.normal(0, 0.3), 0.6, cells).tolist()
    count = len(who)
    table = {"path": [f"{i}.png" for i in range(count)], "label": label, "person": who}
    return make_cohort(table), np.array(logit)


def test_it_recovers_the_effects() -> None:
    cohort, logit = made(40, 30)
    model = subjects.fit_subjects(cohort, logit, "validation")
    assert model is not None
    assert (model.normal.persons, model.leukemic.persons) == (40, 40)
    assert model.leukemic.mean - model.normal.mean == pytest.approx(2, abs=0.25)
    assert model.normal.deviation == pytest.approx(0.3, abs=0.1)
    assert model.leukemic.scatter == pytest.approx(0.6, abs=0.1)
    assert model.inflation < 2


def test_it_needs_three_persons_of_each_class() -> None:
    assert subjects.fit_subjects(*made(2), "validation") is None
    assert subjects.fit_subjects(*made(3), "validation") is not None


def test_persons_of_both_classes_and_unknown_ones_are_left_out() -> None:
    cohort, logit = made(4)
    label, who = cohort["label"].copy(), cohort["person"].copy()
    label[0] = 1 - label[0]
    who[-12:] = ""
    model = subjects.fit_subjects(cohort.with_columns(label=label, person=who), logit, "validation")
    assert model is not None
    assert (model.normal.persons, model.leukemic.persons) == (3, 3)


def test_cells_without_a_logit_do_not_count() -> None:
    cohort, logit = made(3)
    logit[5] = np.nan
    persons = group_persons(cohort["label"], cohort["person"], logit)
    assert sum(len(z) for _, z in persons) == len(logit) - 1


def test_equal_logits_give_no_answer_and_no_error() -> None:
    cohort, logit = made(3)
    model = subjects.fit_subjects(cohort, np.zeros_like(logit), "validation")
    assert model is not None
    assert answer_subject(model, [0.0] * 8).verdict == "uncertain"


def test_the_card_holds_the_model_and_its_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "DRAWS", 2)
    cohort, logit = made(5)
    model = subjects.fit_subjects(cohort, logit, "validation")
    card = subjects.add_subject_curve(tiny_card(subjects=model), cohort, logit)
    assert Card.from_json(card.to_json()) == card
    assert card.subjects is not None
    assert [point.cells for point in card.subjects.curve] == [1, 2, 5, 10, 20, 50]
    assert card.subjects.curve[0].answered == 0  # one cell is never enough
    again = subjects.add_subject_curve(card, cohort, logit)
    assert again == card
    none = tiny_card()
    assert subjects.add_subject_curve(none, cohort, logit) is none
