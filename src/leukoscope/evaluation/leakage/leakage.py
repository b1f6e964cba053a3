"""The effect of a leaky split: one recipe under several protocols and seeds.

The result of a protocol is the mean over its seeds, and the gap is that mean minus the mean of the
split by person. Their 95 % intervals come from a bootstrap of two levels. In each draw, as many
seeds as a protocol has are drawn with replacement, since the choice of persons to train and test on
changes a metric more than anything else; and each person gets one random weight, the same in every
run that tests that person. So runs that test the same persons, as every run of a split by image
does, are not treated as independent, and a difficult person counts on both sides of a gap.

The weights are exponential, which is the Bayesian bootstrap: unlike a number of draws, a weight is
never 0, so every run keeps both classes in every draw. Within a run, the weights of the persons of
a class are scaled to their number, as with strata by label.

Sources: A. C. Davison, D. V. Hinkley, "Bootstrap methods and their application", Cambridge 1997,
section 3.8 (levels); D. B. Rubin, "The Bayesian bootstrap", Ann. Stat. 9 (1981) 130-134; C. A.
Field, A. H. Welsh, "Bootstrapping clustered data", J. R. Stat. Soc. B 69 (2007) 369-390 (persons
as units).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leukoscope.core.seeds import generator
from leukoscope.core.values import Estimate
from leukoscope.evaluation.leakage.record import (
    HONEST,
    LEAKAGE_METRICS,
    PROTOCOLS,
    MeasuredRun,
    ProtocolResult,
)
from leukoscope.evaluation.metrics.bootstrap import (
    REPLICATES,
    bootstrap_metrics,
    estimate_of_draws,
    why_no_interval,
)
from leukoscope.evaluation.metrics.cells import Floats, Replicates, ScoredCells
from leukoscope.evaluation.metrics.metrics import METRIC

Drawn = tuple[MeasuredRun, Mapping[str, Floats]]
"""A run and its metrics in every draw."""


@dataclass(frozen=True)
class _Mean:
    """Metrics averaged over runs: their values, their draws, and any reason for no interval."""

    value: dict[str, float]
    draws: dict[str, Floats]
    reason: str


def protocol_results(
    runs: Sequence[MeasuredRun], replicates: int = REPLICATES, seed: int = 0
) -> tuple[ProtocolResult, ...]:
    """Compute the mean of every recipe under every protocol, and its gap to the split by person.

    Args:
        runs: Runs on one data set, so that a name is the same person in all of them.
        replicates: Number of bootstrap draws.
        seed: Seed of the draws.

    Returns:
        The results in the order of the recipes in `runs`, and of `PROTOCOLS`.
    """
    drawn = list(zip(runs, run_draws(runs, replicates, seed), strict=True))
    results = []
    for recipe in dict.fromkeys(run.recipe for run in runs):
        own = [one for one in drawn if one[0].recipe == recipe]
        honest = [one for one in own if one[0].split == HONEST]
        for split in PROTOCOLS:
            if here := [one for one in own if one[0].split == split]:
                results.append(_result(here, [] if split == HONEST else honest, seed))
    return tuple(results)


def run_draws(
    runs: Sequence[MeasuredRun], replicates: int = REPLICATES, seed: int = 0
) -> list[dict[str, Floats]]:
    """Compute every metric of every run in every draw of the weights of persons, (R,) each."""
    names = sorted({name for run in runs for name in run.person})
    random = generator(seed)
    weights = dict(zip(names, random.exponential(size=(len(names), replicates)), strict=True))
    return [_draws(run, weights) for run in runs]


def by_exposure(run: MeasuredRun) -> dict[str, Estimate]:
    """AUROC on the test cells of persons trained on ("seen"), and on those of others ("new").

    An entry is missing if its cells have only one class. Intervals are from `bootstrap_metrics`.
    """
    aurocs = {}
    for name, rows in (("seen", run.seen), ("new", ~run.seen)):
        if len(set(run.label[rows].tolist())) == 2:
            cells = (run.label[rows], run.p[rows], run.person[rows])
            aurocs[name] = bootstrap_metrics(*cells, threshold=run.threshold)["auroc"]
    return aurocs


def _draws(run: MeasuredRun, weights: Mapping[str, Floats]) -> dict[str, Floats]:
    truth = run.label == 1
    names, index = np.unique(run.person, return_inverse=True)
    own = np.stack([weights[name] for name in names], axis=1)
    has = [np.bincount(index, side, len(names)) > 0 for side in (truth, ~truth)]
    stratum = has[0] + 2 * has[1]
    for value in np.unique(stratum):
        members = stratum == value
        own[:, members] *= members.sum() / own[:, members].sum(axis=1, keepdims=True)
    at_point, at_half = (
        Replicates(ScoredCells.of(run.label, run.p, run.person, threshold), own, index)
        for threshold in (run.threshold, 0.5)
    )
    return {
        one.key: METRIC[one.metric].drawn(at_half if one.at_half else at_point)
        for one in LEAKAGE_METRICS
    }


def _result(own: Sequence[Drawn], honest: Sequence[Drawn], seed: int) -> ProtocolResult:
    run, mean = own[0][0], _mean(own, seed)
    common = {one.seed for one, _ in own} & {one.seed for one, _ in honest}
    gap: dict[str, Estimate] = {}
    if common:
        here = _mean([one for one in own if one[0].seed in common], seed)
        there = _mean([one for one in honest if one[0].seed in common], seed)
        gap = _estimates(
            {key: here.value[key] - there.value[key] for key in here.value},
            {key: here.draws[key] - there.draws[key] for key in here.value},
            here.reason or there.reason,
        )
    return ProtocolResult(
        run.recipe,
        run.split,
        {one.seed: {f.key: one.metrics[f.key].value for f in LEAKAGE_METRICS} for one, _ in own},
        _estimates(mean.value, mean.draws, mean.reason),
        tuple(sorted(common)),
        gap,
    )


def _mean(drawn: Sequence[Drawn], seed: int) -> _Mean:
    """The mean over the runs of one protocol; in every draw, over runs drawn with replacement."""
    random = generator(seed, list(PROTOCOLS).index(drawn[0][0].split))
    replicates = len(drawn[0][1][LEAKAGE_METRICS[0].key])
    chosen = random.integers(len(drawn), size=(len(drawn), replicates))
    label = np.concatenate([run.label for run, _ in drawn])
    person = np.concatenate([run.person for run, _ in drawn])
    return _Mean(
        {
            f.key: float(np.mean([run.metrics[f.key].value for run, _ in drawn]))
            for f in LEAKAGE_METRICS
        },
        {
            f.key: np.take_along_axis(
                np.array([draws[f.key] for _, draws in drawn]), chosen, axis=0
            ).mean(axis=0)
            for f in LEAKAGE_METRICS
        },
        why_no_interval(label, person),
    )


def _estimates(
    value: Mapping[str, float], draws: Mapping[str, Floats], reason: str
) -> dict[str, Estimate]:
    return {
        key: Estimate(own, reason=reason) if reason else estimate_of_draws(own, draws[key])
        for key, own in value.items()
    }
