import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given

from leukoscope.evaluation.metrics.confusion import confusion
from leukoscope.evaluation.metrics.metrics import (
    CARD_METRICS,
    METRICS,
    all_metrics,
    metric_texts,
    threshold_metrics,
)
from tests.evaluation.tables import scored, table


@given(scored())
def test_agree_with_scikit_learn(cells):
    label, p, person = cells
    call = (p >= 0.5).astype(int)
    ours = all_metrics(label, p, person, 0.5)
    expected = {
        "auroc": reference.roc_auc_score(label, p),
        "average_precision": reference.average_precision_score(label, p),
        "sensitivity": reference.recall_score(label, call, pos_label=1),
        "specificity": reference.recall_score(label, call, pos_label=0),
        "balanced_accuracy": reference.balanced_accuracy_score(label, call),
        "accuracy": reference.accuracy_score(label, call),
        "precision_all": reference.precision_score(label, call, zero_division=np.nan),
        "precision_hem": reference.precision_score(label, call, pos_label=0, zero_division=np.nan),
        "f1_all": reference.f1_score(label, call),
        "f1_hem": reference.f1_score(label, call, pos_label=0),
        "f1_weighted": reference.f1_score(label, call, average="weighted"),
        "mcc": reference.matthews_corrcoef(label, call),
        "brier": reference.brier_score_loss(label, p),
        "nll": reference.log_loss(label, p),
    }
    assert set(ours) - set(expected) == {"ece", "person_macro_balanced_accuracy", "persons_auroc"}
    for key, value in expected.items():
        assert ours[key] == pytest.approx(value, abs=1e-12, nan_ok=True), key


def test_confusion_matrix_agrees_with_scikit_learn():
    cells = table()
    counts = confusion(cells["label"], cells["p_all"], 0.4)
    tn, fp, fn, tp = reference.confusion_matrix(cells["label"], cells["p_all"] >= 0.4).ravel()
    assert counts.counts == (tp, fn, fp, tn)
    assert counts.cells == len(cells["label"])


def test_person_macro_balanced_accuracy_is_the_mean_over_persons_by_hand():
    # ALL: person a 3 of 4, person b 0 of 1 -> 0.375. HEM: person c 1 of 2, person d 1 of 1 -> 0.75.
    label = [1, 1, 1, 1, 1, 0, 0, 0]
    p = [0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1]
    person = ["a", "a", "a", "a", "b", "c", "c", "d"]
    values = all_metrics(label, p, person, 0.5)
    assert values["person_macro_balanced_accuracy"] == pytest.approx((0.375 + 0.75) / 2)
    assert values["balanced_accuracy"] == pytest.approx((3 / 5 + 2 / 3) / 2)


def test_person_macro_is_not_defined_where_a_person_is_unknown():
    values = all_metrics([1, 0, 0], [0.9, 0.1, 0.2], ["a", "b", ""], 0.5)
    assert np.isnan(values["person_macro_balanced_accuracy"])
    assert values["balanced_accuracy"] == 1


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_nan_not_a_crash(label):
    values = all_metrics([label] * 3, [0.2, 0.6, 0.9], ["a", "a", "b"], 0.5)
    undefined = {
        "auroc",
        "average_precision",
        "balanced_accuracy",
        "person_macro_balanced_accuracy",
    }
    undefined |= {"f1_weighted", "mcc", "specificity" if label else "sensitivity"}
    assert undefined <= {key for key, value in values.items() if np.isnan(value)}
    assert values["accuracy"] == pytest.approx(2 / 3 if label else 1 / 3)


def test_precision_is_not_defined_without_a_call():
    values = all_metrics([1, 0], [0.1, 0.2], ["a", "b"], 0.5)
    assert np.isnan(values["precision_all"])
    assert (values["f1_all"], values["mcc"]) == (0, 0)


def test_a_score_at_the_threshold_is_called_all():
    assert confusion([1, 0], [0.5, 0.5], 0.5).counts == (1, 0, 1, 0)


def test_many_confusion_matrices_at_once():
    many = threshold_metrics([3, 0], [1, 0], [2, 5], [4, 5])
    one = threshold_metrics(3, 1, 2, 4)
    for key, values in many.items():
        assert values[0] == pytest.approx(float(one[key]))
    assert np.isnan(many["mcc"][1])


def test_every_metric_is_explained_once():
    keys = [metric.key for metric in METRICS]
    assert len(set(keys)) == len(keys)
    assert list(all_metrics([1, 0], [0.9, 0.1], ["a", "b"], 0.5)) == keys
    texts = metric_texts()
    assert list(texts)[: len(keys)] == keys
    assert list(texts) == [metric.key for metric in CARD_METRICS]
    assert all(text["title"] and text["meaning"].endswith(".") for text in texts.values())


def test_auroc_of_persons_ranks_their_mean_log_odds_by_hand():
    # a .9 and .5 -> mean log-odds 1.10; b .2 -> -1.39; c .6 -> .41; d .1 -> -2.20: 3 of 4 pairs
    label, p = [1, 1, 1, 0, 0], [0.9, 0.5, 0.2, 0.6, 0.1]
    values = all_metrics(label, p, ["a", "a", "b", "c", "d"], 0.5)
    assert values["persons_auroc"] == pytest.approx(3 / 4)
    both = all_metrics([*label, 1, 0], [*p, 0.1, 0.9], ["a", "a", "b", "c", "d", "e", "e"], 0.5)
    assert both["persons_auroc"] == pytest.approx(3 / 4)  # e has both labels
    assert np.isnan(all_metrics(label, p, ["a", "a", "b", "c", ""], 0.5)["persons_auroc"])
