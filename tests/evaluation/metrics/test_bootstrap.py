from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings

from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.bootstrap import (
    bootstrap_metrics,
    curve_bands,
    paired_difference,
    reliability_band,
)
from leukoscope.evaluation.metrics.calibration import bin_of, reliability_curve
from leukoscope.evaluation.metrics.cells import (
    Replicates,
    ScoredCells,
    draw_person_weights,
    ranked_counts,
)
from leukoscope.evaluation.metrics.metrics import METRICS, all_metrics, replicate_values
from tests.evaluation.tables import scored, table


def replicate_metrics(label, p, weights, index, threshold):
    cells = ScoredCells.of(label, p, index.astype(str), threshold)
    return replicate_values(Replicates(cells, weights, index))


def resampled(cells, weights, index):
    """The cells of one replicate, copied out: every draw of a person is a person of its own."""
    rows, who = [], []
    for person, times in enumerate(weights.astype(int)):
        for copy in range(times):
            own = np.flatnonzero(index == person)
            rows.append(own)
            who.append(np.full(len(own), f"{person}.{copy}", dtype=object))
    rows, who = np.concatenate(rows), np.concatenate(who)
    return cells["label"][rows], cells["p_all"][rows], who


@pytest.mark.parametrize("seed", [0, 1])
def test_replicates_equal_metrics_of_the_copied_out_cells(seed):
    cells = table(seed)
    weights, index = draw_person_weights(cells["label"], cells["person"], 25, seed)
    fast = replicate_metrics(cells["label"], cells["p_all"], weights, index, 0.4)
    assert set(fast) == {metric.key for metric in METRICS}
    for row in range(25):
        label, p, who = resampled(cells, weights[row], index)
        slow = all_metrics(label, p, who, 0.4)
        assert {key: values[row] for key, values in fast.items()} == pytest.approx(
            slow, nan_ok=True
        )
        assert fast["auroc"][row] == pytest.approx(reference.roc_auc_score(label, p))
        assert fast["average_precision"][row] == pytest.approx(
            reference.average_precision_score(label, p)
        )
        assert fast["f1_weighted"][row] == pytest.approx(
            reference.f1_score(label, p >= 0.4, average="weighted")
        )


@given(scored())
def test_weight_one_gives_the_plain_metrics(cells):
    label, p, person = cells
    _, index = np.unique(person, return_inverse=True)
    once = replicate_metrics(label, p, np.ones((1, index.max() + 1)), index, 0.5)
    plain = all_metrics(label, p, person, 0.5)
    assert {key: values[0] for key, values in once.items()} == pytest.approx(plain, nan_ok=True)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_a_metric_without_a_formula_for_replicates_is_computed_on_each(metric):
    cells = table()
    weights, index = draw_person_weights(cells["label"], cells["person"], 5, 0)
    scored_cells = ScoredCells.of(cells["label"], cells["p_all"], cells["person"], 0.4)
    replicates = Replicates(scored_cells, weights, index)
    plain = replace(metric, counts=None, replicates=None, cells=metric.value)
    np.testing.assert_allclose(plain.drawn(replicates), metric.drawn(replicates))


def test_blocks_do_not_change_the_result(monkeypatch):
    cells = table()
    weights, index = draw_person_weights(cells["label"], cells["person"], 30, 0)
    whole = replicate_metrics(cells["label"], cells["p_all"], weights, index, 0.4)
    monkeypatch.setattr("leukoscope.evaluation.metrics.cells.BLOCK", 7 * len(index))
    parts = replicate_metrics(cells["label"], cells["p_all"], weights, index, 0.4)
    for key, values in whole.items():
        np.testing.assert_array_equal(values, parts[key])


@given(scored())
@settings(max_examples=30)
def test_draws_keep_the_number_of_persons_of_each_class(cells):
    label, _, person = cells
    weights, index = draw_person_weights(label, person, 20, 3)
    names = np.unique(person)
    kind = np.array([label[person == name][0] for name in names])
    assert weights.shape == (20, len(names))
    for value in (0, 1):
        np.testing.assert_array_equal(weights[:, kind == value].sum(axis=1), np.sum(kind == value))
    assert (names[index] == person).all()


def test_interval_of_a_mean_agrees_with_the_theory_of_cluster_sampling():
    # Equal clusters, all cells of a person alike: the sensitivity is a mean over persons, whose
    # bootstrap standard error
    # is known in closed form, sd / sqrt(n) with the population sd.
    share = np.linspace(0, 1, 41)
    person = np.repeat([f"{k}" for k in range(41)], 40)
    p = np.concatenate([np.arange(40) / 40 < value for value in share]).astype(float)
    label = np.ones(len(p), int)
    hem = 6
    label, p = np.append(label, np.zeros(hem, int)), np.append(p, np.zeros(hem))
    person = np.append(person, [f"H{k}" for k in range(hem)]).astype(object)
    figure = bootstrap_metrics(label, p, person, threshold=0.5, replicates=4000)["sensitivity"]
    error = np.std(share) / np.sqrt(len(share))
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_percentiles_are_those_of_the_draws_and_the_seed_fixes_them():
    cells = table()
    columns = cells["label"], cells["p_all"], cells["person"]
    figures = bootstrap_metrics(*columns, threshold=0.4, replicates=200, seed=7)
    weights, index = draw_person_weights(cells["label"], cells["person"], 200, 7)
    drawn = replicate_metrics(cells["label"], cells["p_all"], weights, index, 0.4)
    for key in ("auroc", "mcc", "nll"):
        assert figures[key].low == pytest.approx(np.percentile(drawn[key], 2.5))
        assert figures[key].high == pytest.approx(np.percentile(drawn[key], 97.5))
    assert figures == bootstrap_metrics(*columns, threshold=0.4, replicates=200, seed=7)
    assert figures != bootstrap_metrics(*columns, threshold=0.4, replicates=200, seed=8)


def test_persons_give_wider_intervals_than_cells_would():
    cells = table(cells=60)
    columns = cells["label"], cells["p_all"]
    alone = np.array([f"{i}" for i in range(len(cells["label"]))], dtype=object)
    over_persons = bootstrap_metrics(*columns, cells["person"], threshold=0.5, replicates=500)[
        "auroc"
    ]
    over_cells = bootstrap_metrics(*columns, alone, threshold=0.5, replicates=500)["auroc"]
    assert over_persons.high - over_persons.low > 2 * (over_cells.high - over_cells.low)


@pytest.mark.parametrize(
    ("persons", "reason"),
    [
        ((2, 4), "only 2 persons with ALL"),
        ((4, 1), "only 1 person with HEM"),
        ((3, 0), "only 0 persons with HEM"),
    ],
)
def test_too_few_persons_give_no_interval_but_a_reason(persons, reason):
    cells = table(0, *persons)
    figures = bootstrap_metrics(cells["label"], cells["p_all"], cells["person"], threshold=0.5)
    for figure in figures.values():
        assert (figure.low, figure.high) == (None, None)
        assert reason in figure.reason
    bands = curve_bands(cells["label"], cells["p_all"], cells["person"])
    assert bands["roc"].low is None


def test_unknown_persons_give_no_interval():
    cells = table()
    cells["person"][:3] = ""
    figures = bootstrap_metrics(cells["label"], cells["p_all"], cells["person"], threshold=0.5)
    assert figures["auroc"].low is None
    assert "3 of" in figures["auroc"].reason


def test_a_metric_rarely_defined_gets_no_interval():
    # Only one person of the five with normal cells gets a normal call: precision of HEM is
    # undefined where they aren't drawn.
    label = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.6, 0.6, 0.1])
    person = np.array(list("abcdefgh"), dtype=object)
    figure = bootstrap_metrics(label, p, person, threshold=0.5)["precision_hem"]
    assert figure.value == 1
    assert figure.low is None
    assert "not defined in" in figure.reason


def test_difference_of_a_model_with_itself_is_zero():
    cells = table()
    differences = paired_difference(
        cells["label"],
        cells["p_all"],
        cells["p_all"],
        cells["person"],
        thresholds=(0.5, 0.5),
        replicates=100,
    )
    assert all((d.value, d.low, d.high) == (0, 0, 0) for d in differences.values())


def test_paired_difference_is_second_less_first_on_common_draws():
    cells = table()
    label, first, person = cells["label"], cells["p_all"], cells["person"]
    second = np.clip(first + np.where(label == 1, 0.15, -0.15), 0, 1)
    found = paired_difference(
        label, first, second, person, thresholds=(0.5, 0.4), replicates=300, seed=2
    )
    weights, index = draw_person_weights(label, person, 300, 2)
    drawn = (
        replicate_metrics(label, second, weights, index, 0.4)["brier"]
        - replicate_metrics(label, first, weights, index, 0.5)["brier"]
    )
    assert found["brier"].low == pytest.approx(np.percentile(drawn, 2.5))
    assert found["auroc"].low > 0
    assert found["brier"].high < 0
    assert found["sensitivity"].value == pytest.approx(
        all_metrics(label, second, person, 0.4)["sensitivity"]
        - all_metrics(label, first, person, 0.5)["sensitivity"]
    )
    reverse = paired_difference(
        label, second, first, person, thresholds=(0.4, 0.5), replicates=300, seed=2
    )
    assert reverse["auroc"].low == pytest.approx(-found["auroc"].high)


def test_ranked_counts_trace_the_roc_curve_of_scikit_learn():
    cells = table()
    truth, p = cells["label"] == 1, cells["p_all"]
    _, index = np.unique(cells["person"], return_inverse=True)
    ((tp, fp),) = ranked_counts(truth, p, np.ones((1, index.max() + 1)), index)
    false_rate, sensitivity, _ = reference.roc_curve(truth, p, drop_intermediate=False)
    np.testing.assert_allclose(tp[0] / tp[0, -1], sensitivity)
    np.testing.assert_allclose(fp[0] / fp[0, -1], false_rate)


def test_bands_lie_around_the_curves():
    cells = table()
    bands = curve_bands(cells["label"], cells["p_all"], cells["person"], replicates=300)
    roc, precision = bands["roc"], bands["precision_recall"]
    false_rate, sensitivity, _ = reference.roc_curve(cells["label"], cells["p_all"])
    curve = np.interp(roc.x, false_rate, sensitivity)
    assert np.mean((roc.low <= curve + 1e-9) & (curve <= roc.high + 1e-9)) > 0.95
    assert (np.diff(roc.low) >= -1e-9).all()
    shares = [np.mean(cells["label"] == 1)]
    assert precision.low[-1] <= shares[0] <= 1
    assert np.isfinite(precision.low).all()
    assert ((precision.low <= precision.high) & (precision.high <= 1)).all()


def test_reliability_over_persons_by_copying_them_out():
    columns = table(3)
    label, p, person = columns["label"], columns["p_all"], columns["person"]
    band = reliability_band(label, p, person, replicates=300, seed=4)
    weights, index = draw_person_weights(label, person, 300, 4)
    curve = reliability_curve(label, p)
    np.testing.assert_allclose(band.x, curve.stated)
    for k in np.flatnonzero(np.bincount(bin_of(p))):
        own = bin_of(p) == k
        drawn = [
            np.repeat(label[own], copies).mean()
            for copies in weights[:, index[own]].astype(int)
            if copies.any()
        ]
        place = np.searchsorted(np.unique(bin_of(p)), k)
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert (band.low[place], band.high[place]) == pytest.approx((low, high))
    assert reliability_band(label, p, np.full(len(p), "")).low is None


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Estimate(0.5, 0.25, 0.75), "0.500 (0.250 to 0.750)"),
        (Estimate(0.5, reason="few"), "0.500 (no interval)"),
        (Estimate(float("nan")), "not defined"),
    ],
)
def test_figures_print_as_a_reader_expects(figure, text):
    assert str(figure) == text


def test_a_difference_always_shows_its_sign():
    assert Estimate(0.012, -0.003, 0.027).signed() == "+0.012 (-0.003 to +0.027)"
    assert Estimate(-0.5).signed() == "-0.500 (no interval)"
    assert Estimate(np.nan, 0.1, 0.2).signed() == "not defined"
