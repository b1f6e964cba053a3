"""Means over test sets, by recipe and kind of split."""

from dataclasses import replace

import pytest

from leukoscope.evaluation.comparison.seeds import Spread, seed_means
from tests.evaluation.made_runs import HONEST, LEAKY, made_entry


def test_a_mean_has_the_range_of_its_runs():
    runs = [made_entry(f"seed {seed}", cells=seed, model=seed) for seed in range(3)]
    [mean] = seed_means(runs)
    values = [run.value("auroc") for run in runs]
    assert mean.metrics["auroc"] == Spread(pytest.approx(sum(values) / 3), min(values), max(values))
    half = [run.evaluation.metrics_at_half["accuracy"].value for run in runs]
    assert mean.at_half["accuracy"].mean == pytest.approx(sum(half) / 3)
    assert "auroc" not in mean.at_half
    assert (mean.recipe, mean.split, mean.leaky, mean.test_sets) == ("cnn", "by person", False, 3)
    assert mean.runs == ("seed 0", "seed 1", "seed 2")
    assert str(Spread(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"


def test_a_test_set_counts_once_however_many_runs_it_has():
    runs = [made_entry("a", cells=0), made_entry("b", cells=0, model=5), made_entry("c", cells=1)]
    [mean] = seed_means(runs)
    first, second, other = (run.value("auroc") for run in runs)
    assert mean.test_sets == 2
    assert mean.metrics["auroc"].mean == pytest.approx(((first + second) / 2 + other) / 2)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": "dense"},
        {"settings": ("fit.epochs=2",)},
        {"cohort": "another"},
        {"protocol": LEAKY},
        {"protocol": replace(HONEST, part="validation")},
        {"cells": 0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_unlike_runs_have_no_mean(change):
    assert (
        seed_means([made_entry("a"), made_entry("b", **{"cells": 1, "model": 2, **change})]) == ()
    )


def test_a_figure_that_one_run_lacks_has_no_mean():
    runs = [made_entry("a"), made_entry("b", cells=1)]
    lost = {**runs[1].evaluation.metrics}
    lost["mcc"] = replace(lost["mcc"], value=float("nan"))
    runs[1] = replace(runs[1], evaluation=replace(runs[1].evaluation, metrics=lost))
    [mean] = seed_means(runs)
    assert "mcc" not in mean.metrics
    assert "auroc" in mean.metrics


def test_honest_means_come_first():
    runs = [
        made_entry(f"{how.split} {cells}", cells=cells, protocol=how)
        for how in (LEAKY, HONEST)
        for cells in (0, 1)
    ]
    assert [mean.leaky for mean in seed_means(runs)] == [False, True]
