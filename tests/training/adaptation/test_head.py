"""The new last step of an adapted model."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import make_cohort
from leukoscope.training.adaptation.head import Head, Outputs, fit_head

CELLS = 12


def outputs(
    persons: int = 10, *, shift: float = 0.0, hidden: float = 0.0, seed: int = 0
) -> Outputs:
    """Cells of `persons` of each class; `hidden`: what the embedding knows and the logit does not.

    The logit of cells of the laboratory is moved by `shift`.
    """
    rng = np.random.default_rng(seed)
    label = np.repeat([1, 0], persons * CELLS)
    person = np.repeat(np.arange(2 * persons), CELLS)
    cohort = make_cohort(
        {
            "path": [f"{row}.bmp" for row in range(len(label))],
            "label": label.tolist(),
            "subject": [f"{'' if n < persons else 'H'}{n + 1}" for n in person],
            "sha256": [f"{row:064x}" for row in range(len(label))],
        }
    )
    cohort = cohort.with_columns(person=cohort["subject"])
    embedding = rng.normal(size=(len(label), 4))
    embedding[:, 0] += hidden * (2 * label - 1)
    logit = rng.normal(size=len(label)) + 0.8 * (2 * label - 1) + shift
    return Outputs(cohort, logit, embedding)


@given(st.floats(-20, 20))
def test_the_offset_follows_a_shift_of_all_logits(shift: float) -> None:
    still, moved = fit_head(outputs(4), 0), fit_head(outputs(4, shift=shift), 0)
    assert moved.weights is None
    assert moved.offset == pytest.approx(still.offset + shift, abs=2e-2)


def test_a_class_with_many_persons_does_not_move_the_offset() -> None:
    even = outputs(6)
    few = even.select(np.flatnonzero((even.cohort["label"] == 1) | (np.arange(144) < 108)))
    assert fit_head(few, 0).offset == pytest.approx(fit_head(even, 0).offset, abs=0.4)


def test_separate_classes_have_the_offset_between_them() -> None:
    one = outputs(3)
    far = Outputs(one.cohort, np.where(one.cohort["label"] == 1, 7.0, 3.0), one.embedding)
    assert 3 < fit_head(far, 0).offset < 7


def test_weights_come_only_with_enough_persons_and_where_they_help() -> None:
    assert fit_head(outputs(7, hidden=2), 0).weights is None
    assert fit_head(outputs(9, hidden=0), 0).weights is None
    fitted = fit_head(outputs(9, hidden=2), 0)
    assert fitted.weights is not None
    assert fitted.penalty < inf
    new = outputs(9, hidden=2, seed=1)
    before = roc_auc_score(new.cohort["label"], new.logit)
    after = roc_auc_score(new.cohort["label"], fitted.logit(new.logit, new.embedding))
    assert after > before + 0.02


def test_refit_can_be_demanded_and_forbidden() -> None:
    assert fit_head(outputs(9, hidden=2), 0, refit=False).weights is None
    assert fit_head(outputs(4, hidden=0), 0, refit=True).weights is not None


def test_a_constant_direction_of_the_embedding_has_no_weight() -> None:
    one = outputs(9, hidden=2)
    embedding = np.concatenate([one.embedding, np.full((len(one.logit), 1), 3.0)], axis=1)
    head = fit_head(Outputs(one.cohort, one.logit, embedding), 0, refit=True)
    assert head.weights is not None
    assert head.weights[-1] == 0


def test_one_class_is_refused() -> None:
    one = outputs(4)
    with pytest.raises(TrainingError):
        fit_head(one.select(np.flatnonzero(one.cohort["label"] == 1)), 0)


def test_a_head_adds_the_weighted_embedding() -> None:
    head = Head(0.5, np.array([1.0, -2.0]), 0.1)
    assert head.logit(np.array([1.0]), np.array([[3.0, 1.0]])).tolist() == [1.5]
