import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as reference

from leukoscope.core.values import Estimate
from leukoscope.evaluation.leakage.leakage import by_exposure, protocol_results, run_draws
from leukoscope.evaluation.leakage.plots import leakage_plot
from leukoscope.evaluation.leakage.record import (
    LEAKAGE_METRICS,
    PROTOCOLS,
    MeasuredRun,
    Study,
    SubsetCounts,
)
from leukoscope.evaluation.leakage.report import lines, to_json, write_study
from leukoscope.evaluation.metrics.metrics import all_metrics

PERSONS, CELLS = 8, 10  # of each class; of each person


def answered(
    split: str = "person", seed: int = 0, draw: int = 0, recipe: str = "cnn", who: str = "S"
) -> MeasuredRun:
    """A run whose persons differ; `draw` decides the answers, `who` names the persons."""
    random = np.random.default_rng(draw)
    label = np.repeat([1, 0], PERSONS * CELLS).astype(np.int8)
    person = np.array([f"{who}{row // CELLS}" for row in range(len(label))], dtype=object)
    skill = np.repeat(random.normal(0.8, 1, 2 * PERSONS), CELLS)
    logit = (2 * label - 1) * skill + random.normal(size=len(label))
    p = 1 / (1 + np.exp(-logit))
    measured = {at: all_metrics(label, p, person, at) for at in (0.4, 0.5)}
    figures = {
        one.key: Estimate(measured[0.5 if one.at_half else 0.4][one.metric])
        for one in LEAKAGE_METRICS
    }
    parts = {name: SubsetCounts(60, 40, 9) for name in ("train", "validation", "test")}
    seen = np.full(len(label), split == "image")
    folder = f"{recipe}/{split}-seed{seed}"
    return MeasuredRun(recipe, split, seed, folder, label, p, person, seen, 0.4, figures, parts)


def width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def study(*runs: MeasuredRun) -> Study:
    return Study("data", False, runs, protocol_results(runs, 200))


def test_the_draws_of_a_share_have_the_spread_of_the_closed_form() -> None:
    """Rubin 1981: n shares of equal weight have the variance of the shares over n + 1."""
    run = answered()
    (drawn,) = run_draws([run], 20_000)
    for key, label in (("sensitivity", 1), ("specificity", 0)):
        right = (run.p >= run.threshold) == (label == 1)
        shares = right[run.label == label].reshape(PERSONS, CELLS).mean(axis=1)
        assert drawn[key].mean() == pytest.approx(shares.mean(), abs=0.005)
        assert drawn[key].std() == pytest.approx(shares.std() / np.sqrt(PERSONS + 1), rel=0.03)


def test_each_draw_is_the_metric_of_cells_with_their_persons_weight() -> None:
    run = answered(draw=3)
    (drawn,) = run_draws([run], 20, seed=7)
    names = sorted(set(run.person))
    weights = np.random.default_rng(7).exponential(size=(len(names), 20))
    for row in range(20):
        weight = dict(zip(names, weights[:, row], strict=True))
        cell = np.array([weight[name] for name in run.person])
        for label in (0, 1):  # so many persons of each class, whatever the draw
            cell[run.label == label] *= PERSONS * CELLS / cell[run.label == label].sum()
        expected = reference.roc_auc_score(run.label, run.p, sample_weight=cell)
        assert drawn["auroc"][row] == pytest.approx(expected)
        call = run.p >= 0.5
        right = reference.accuracy_score(run.label, call, sample_weight=cell)
        assert drawn["accuracy_at_half"][row] == pytest.approx(right)
        f1 = reference.f1_score(run.label, call, average="weighted", sample_weight=cell)
        assert drawn["f1_weighted_at_half"][row] == pytest.approx(f1)


def test_runs_of_the_same_persons_are_not_taken_for_independent() -> None:
    one = answered()
    same = protocol_results([one, replace(one, seed=1)])[0].mean["auroc"]
    assert width(same) == pytest.approx(width(protocol_results([one])[0].mean["auroc"]))
    other = replace(one, seed=1, person=np.array([f"X{who}" for who in one.person], dtype=object))
    by_exposure = protocol_results([one, other])[0].mean["auroc"]
    # Half of the draws of two seeds hold one of them twice, the others both: 3/4 of the variance.
    assert width(by_exposure) == pytest.approx(width(same) * np.sqrt(3 / 4), rel=0.1)


def test_the_spread_of_the_seeds_is_in_the_interval() -> None:
    """Of persons who are all alike there are 27 draws of three runs; one in 27 holds the lowest."""
    runs = []
    for seed, right in enumerate((0.2, 0.5, 0.9)):
        run = answered(seed=seed)
        missed = np.tile(np.arange(CELLS) >= right * CELLS, 2 * PERSONS)
        p = np.where(missed, 1 - run.label, run.label).astype(float)
        figures = {**run.metrics, "sensitivity": Estimate(right)}
        runs.append(replace(run, p=p, metrics=figures))
    found = protocol_results(runs)[0].mean["sensitivity"]
    assert found.value == pytest.approx((0.2 + 0.5 + 0.9) / 3)
    assert (found.low, found.high) == pytest.approx((0.2, 0.9))


def test_a_gap_is_the_difference_of_the_means_over_common_seeds() -> None:
    runs = [answered("person", 0, 0), answered("person", 1, 1)]
    runs += [answered("image", 1, 2), answered("image", 2, 3)]
    image, person = protocol_results(runs)
    auroc = [run.metrics["auroc"].value for run in runs]
    assert image.mean["auroc"].value == pytest.approx((auroc[2] + auroc[3]) / 2)
    assert image.gap["auroc"].value == pytest.approx(auroc[2] - auroc[1])
    assert image.common == (1,)
    assert not person.gap
    assert image.values[2]["auroc"] == auroc[3]


def test_equal_answers_leave_no_gap_and_no_interval_around_it() -> None:
    one = answered()
    gap = protocol_results([one, replace(one, split="image")])[0].gap
    for figure in gap.values():
        assert (figure.value, figure.low, figure.high) == (0, 0, 0)


def test_a_gap_beyond_chance_leaves_out_0() -> None:
    poor = answered(who="P")
    good = replace(answered("image", who="Q"), p=0.1 + 0.8 * answered().label)
    figures = {**good.metrics, "auroc": Estimate(1.0)}
    gap = protocol_results([poor, replace(good, metrics=figures)])[0].gap["auroc"]
    assert gap.low is not None
    assert 0 < gap.low < gap.value


def test_recipes_and_protocols_stay_apart_and_in_order() -> None:
    runs = [
        answered(split, 0, number, recipe)
        for number, (recipe, split) in enumerate(product(["svm", "cnn"], reversed(PROTOCOLS)))
    ]
    levels = protocol_results(runs, 50)
    assert [(own.recipe, own.split) for own in levels] == list(product(["svm", "cnn"], PROTOCOLS))
    auroc = {(run.recipe, run.split): run.metrics["auroc"].value for run in runs}
    for level in levels:
        if level.gap:
            own = auroc[level.recipe, level.split] - auroc[level.recipe, "person"]
            assert level.gap["auroc"].value == pytest.approx(own)


def test_too_few_persons_or_unknown_ones_give_no_interval() -> None:
    run = answered()
    few = run.label.copy()
    few[: 6 * CELLS] = 0  # two persons are left with ALL
    for odd in (replace(run, label=few), replace(run, person=np.full(len(few), "", object))):
        assert protocol_results([odd], 50)[0].mean["auroc"].low is None
        gap = protocol_results([replace(odd, split="image"), run], 50)[0].gap["auroc"]
        assert gap.low is None
        assert gap.reason


def test_persons_seen_and_new_ones_are_measured_apart() -> None:
    run = answered("subject")
    seen = np.array([int(name[1:]) % 4 == 0 for name in run.person])
    found = by_exposure(replace(run, seen=seen))
    for name, rows in (("seen", seen), ("new", ~seen)):
        expected = reference.roc_auc_score(run.label[rows], run.p[rows])
        assert found[name].value == pytest.approx(expected)
    assert set(by_exposure(run)) == {"new"}
    assert set(by_exposure(replace(run, seen=run.label == 1))) == set()


@pytest.mark.usefixtures("drawn")
def test_what_is_written(tmp_path: Path) -> None:
    made = study(answered("image"), answered("person", draw=1), answered("image", recipe="<b>"))
    page = write_study(made, tmp_path).read_text()
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "leakage.html",
        "leakage.csv",
        "summary.json",
        "leakage.png",
        "leakage.svg",
    }
    gap = made.results[0].gap["auroc"].value
    assert json.loads(to_json(made))["protocols"][0]["gap"]["auroc"]["value"] == gap
    text = "\n".join(lines(made))
    assert f"{gap:+.3f}" in text
    assert "over seed 0" in text
    assert "no run by person" in text  # of the second recipe
    assert text.count("image (leaky)") == 2


def test_synthetic_cells_are_marked() -> None:
    made = replace(study(answered()), synthetic=True)
    assert lines(made)[0].startswith("SYNTHETIC CELLS")


def test_the_plot_shows_every_run_mean_and_gap() -> None:
    runs = [answered(split, seed, seed) for split in ("image", "person") for seed in range(3)]
    levels = protocol_results(runs, 50)
    sheet = leakage_plot(levels, LEAKAGE_METRICS[0])
    upper, lower = sheet.axes
    assert sum(len(dots.get_offsets()) for dots in upper.collections) == 6
    assert [tick.get_text() for tick in lower.get_xticklabels()] == ["image", "person"]
    assert [text.get_text() for text in lower.texts] == [f"{levels[0].gap['auroc'].value:+.2f}"]


def test_the_dots_of_many_seeds_stay_beside_their_split() -> None:
    runs = [answered(split, seed, seed) for split in ("image", "person") for seed in range(12)]
    upper, _ = leakage_plot(protocol_results(runs, 50), LEAKAGE_METRICS[0]).axes
    for number, dots in enumerate(upper.collections):
        x = np.asarray(dots.get_offsets())[:, 0]
        assert len(set(x.round(6))) == 12
        assert number < x.min()
        assert x.max() < number + 0.5
