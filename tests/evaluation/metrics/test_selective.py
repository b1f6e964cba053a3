"""What was answered, against sums by hand and the curve cell by cell."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from leukoscope.core.statistics import sigmoid
from leukoscope.evaluation.metrics.calibration import (
    expected_calibration_error,
    person_weights,
    reliability_curve,
)
from leukoscope.evaluation.metrics.conformal import class_limits, covers
from leukoscope.evaluation.metrics.metrics import SELECTIVE_METRICS
from leukoscope.evaluation.metrics.operating_point import choose_operating_point
from leukoscope.evaluation.metrics.selective import (
    confidence,
    measure_selection,
    risk_coverage,
)
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.report import selection as report_selection
from leukoscope.evaluation.report.report import render_report
from leukoscope.evaluation.summary import evaluate_table
from leukoscope.evaluation.table import scored_cells
from tests.evaluation.tables import PERSONS, scored, table

pytestmark = pytest.mark.slow(5)

LABEL = np.array([1, 1, 1, 1, 0, 0])
P = np.array([0.9, 0.8, 0.4, 0.1, 0.2, 0.7])
PERSON = np.array(["a", "a", "a", "b", "h", "h"], dtype=object)
VERDICT = np.array(["blast", "blast", "uncertain", "normal", "not a cell", "blast"], dtype=object)


def measured(**changes):
    given = {"threshold": 0.5, "limits": None, "replicates": 20, "seed": 0} | changes
    return measure_selection(LABEL, P, PERSON, VERDICT, **given)


def test_persons_weigh_the_same():
    found = measured()
    assert found.answered.value == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
    assert found.uncertain.value == pytest.approx((1 / 3) / 3)
    assert found.not_cells.value == pytest.approx((1 / 2) / 3)
    assert found.error_answered.value == pytest.approx((1 + 1 / 2) / (2 / 3 + 1 + 1 / 2))
    assert found.error_all.value == pytest.approx((1 / 3 + 1 + 1 / 2) / 3)
    assert found.covered == {}
    assert "an interval needs 3 persons" in found.answered.reason
    assert [
        (row.person, row.label, row.cells, row.answered, row.wrong) for row in found.persons
    ] == [
        ("b", "ALL", 1, 1, 1),
        ("a", "ALL", 3, 2, 0),
        ("h", "HEM", 2, 1, 1),
    ]


def test_coverage_counts_cells_whose_class_is_possible():
    limits = class_limits(LABEL, P, PERSON, alpha_all=0.5, alpha_hem=0.5)
    found = measured(limits=limits)
    covered = {row.person: row.covered for row in found.persons}
    assert covered["a"] == np.sum(P[:3] >= limits.all_from.value)
    assert covered["h"] == np.sum(P[4:] <= limits.hem_to.value)
    expected = (covered["a"] / 3 + covered["b"]) / 2
    assert found.covered["ALL"].value == pytest.approx(expected)
    assert found.covered["HEM"].value == pytest.approx(covered["h"] / 2)


@given(scored())
def test_the_curve_cell_by_cell(cells):
    label, p, _ = cells
    wrong, sure = (p >= 0.5) != (label == 1), confidence(p, 0.5)
    share, error = risk_coverage(wrong, sure, np.ones(len(p)))
    levels = sorted(set(sure), reverse=True)
    assert len(share) == len(error) == len(levels)
    for level, one, lost in zip(levels, share, error, strict=True):
        kept = sure >= level
        assert one == pytest.approx(kept.mean())
        assert lost == pytest.approx(wrong[kept].mean())


def test_the_area_of_a_known_curve():
    """Six cells of equal weight, the two errors least sure: 0, 0, 0, 0, 1/5, 2/6."""
    label, person = np.array([1, 1, 1, 0, 0, 1]), np.array(list("abchij"), dtype=object)
    p = np.array([0.99, 0.95, 0.9, 0.02, 0.6, 0.45])
    verdict = np.where(p >= 0.5, "blast", "normal").astype(object)
    found = measure_selection(
        label, p, person, verdict, threshold=0.5, limits=None, replicates=0, seed=0
    )
    assert found.aurc.value == pytest.approx(np.mean([0, 0, 0, 0, 1 / 5, 2 / 6]))
    assert found.error_all.value == pytest.approx(2 / 6)


def test_each_cell_may_have_the_threshold_and_the_sets_of_its_own_model():
    """Halves judged by two models are as both halves judged alone."""
    at = np.array([0.5, 0.5, 0.3, 0.3, 0.5, 0.8])
    covered = np.array([True, False, True, True, False, True])
    found = measured(threshold=at, covered=covered)
    assert found.limits is None
    wrong = {"a": 0, "b": 1, "h": 0}  # cell 3 lies below its 0.3, and no HEM cell above its own
    assert found.error_all.value == pytest.approx(sum(wrong.values()) / 3)
    assert {row.person: row.covered for row in found.persons} == {"a": 2, "b": 1, "h": 1}
    assert found.covered["ALL"].value == pytest.approx((2 / 3 + 1) / 2)
    own = [confidence([p], low)[0] for p, low in zip(P, at, strict=True)]
    np.testing.assert_allclose(confidence(P, at), own)


def test_figures_are_named_once_and_those_of_classes_come_with_limits():
    keys = [one.key for one in SELECTIVE_METRICS]
    assert len(set(keys)) == len(keys)
    assert list(measured().metrics()) == keys[:-2]
    limits = class_limits(LABEL, P, PERSON, alpha_all=0.5, alpha_hem=0.5)
    found = measured(limits=limits)
    assert list(found.metrics()) == keys
    assert found.metrics()["covered_hem"] == found.covered["HEM"]


def test_sureness_is_a_distance_from_the_threshold():
    assert confidence([0.2, 0.5, 0.8], 0.2)[0] == 0
    assert confidence([0.2, 0.8], 0.5)[0] == pytest.approx(confidence([0.2, 0.8], 0.5)[1])
    assert np.isfinite(confidence([0.0, 1.0], 0.0)).all()


def evaluated(*, abstains: bool = True):
    columns, validation = table(), table(9)
    given = [validation[name] for name in ("label", "p_all", "person")]
    point = choose_operating_point(*given)
    limits = class_limits(*given, alpha_all=0.05, alpha_hem=0.1) if abstains else None
    p = columns["p_all"]
    verdict = np.where(p >= point.threshold, "blast", "normal").astype(object)
    if limits is not None:
        every = np.ones(len(p))
        both = covers(limits.thresholds, every, p) == covers(limits.thresholds, 0 * every, p)
        verdict[both] = "uncertain"
    columns["verdict"] = verdict
    record = evaluate_table(
        scored_cells(columns),
        operating_point=point,
        limits=limits,
        protocol=Protocol("by person", persons={"validation": PERSONS}),
        replicates=50,
    )
    return record, columns


def test_the_record_holds_it_and_older_records_do_without():
    record, _ = evaluated()
    assert record.selection is not None
    assert Evaluation.from_json(record.to_json()) == record
    old = json.loads(record.to_json())
    del old["selection"]
    assert Evaluation.from_json(json.dumps(old)) == replace(record, selection=None)


def test_abstaining_leaves_fewer_errors_and_intervals_hold_the_values():
    record, _ = evaluated()
    found = record.selection
    assert found is not None
    assert found.error_answered.value < found.error_all.value
    assert found.aurc.value < found.error_all.value
    for figure in (found.answered, found.uncertain, found.aurc, *found.covered.values()):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high


def test_the_report_says_what_was_answered_and_promises_nothing_it_cannot(tmp_path):
    record, columns = evaluated()
    text = render_report(record, scored_cells(columns), tmp_path).read_text("utf-8")
    for wanted in ("Risk-coverage curve", "Coverage of each person"):
        assert wanted in text
    found = record.selection
    assert found is not None
    assert found.limits is not None
    words = " ".join(report_selection.summary(found))
    assert "too few to guarantee" in words
    promised = replace(found.limits.all_from, guaranteed=True)
    kept = replace(found, limits=replace(found.limits, all_from=promised))
    assert "conformal prediction guarantees" in " ".join(report_selection.summary(kept))


def test_a_model_that_never_abstains_says_so(tmp_path):
    record, columns = evaluated(abstains=False)
    text = render_report(record, scored_cells(columns), tmp_path).read_text("utf-8")
    assert "no limits for abstention" in text
    assert "Coverage of each person" not in text
    del columns["verdict"]
    assert "Risk-coverage curve" not in render_report(
        replace(record, selection=None), scored_cells(columns), tmp_path
    ).read_text("utf-8")


def test_the_report_says_calibration_before_and_after_over_persons(tmp_path):
    record, columns = evaluated()
    found = record.calibration
    label, person = columns["label"], columns["person"]
    weight = person_weights(person.astype(str))
    untempered = sigmoid(columns["logit"])
    assert found.person_ece == pytest.approx(
        expected_calibration_error(label, columns["p_all"], weight=weight)
    )
    assert found.person_ece_untempered == pytest.approx(
        expected_calibration_error(label, untempered, weight=weight)
    )
    assert found.reliability_untempered == reliability_curve(label, untempered)
    text = render_report(record, scored_cells(columns), tmp_path).read_text("utf-8")
    assert f"from {found.person_ece_untempered:.3f} to {found.person_ece:.3f}" in text
