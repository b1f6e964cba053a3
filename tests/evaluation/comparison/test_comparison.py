"""Runs side by side: who is ranked with whom, and by how much they differ."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import Estimate
from leukoscope.evaluation.comparison.comparison import Entry, compare_entries, grouped, ranked
from leukoscope.evaluation.predictions import predictions_of, why_not_paired
from tests.evaluation.made_runs import HONEST, LEAKY, POINT, made_entry, predictions

BASE = made_entry()


def with_figures(name: str, **values: float) -> Entry:
    """The same run with other figures."""
    figures = {**BASE.evaluation.metrics, **{k: Estimate(v) for k, v in values.items()}}
    return replace(BASE, name=name, evaluation=replace(BASE.evaluation, metrics=figures))


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Runs that agree or differ in any part of a protocol."""
    runs = []
    other_cells = predictions_of(predictions(1))
    for number in range(draw(st.integers(1, 12))):
        how = replace(
            HONEST,
            split=draw(st.sampled_from(["by person", "by image"])),
            part=draw(st.sampled_from(["test", "validation"])),
            leaky=draw(st.booleans()),
            split_seed=draw(st.sampled_from([0, 1, None])),
            synthetic=draw(st.booleans()),
        )
        point = replace(POINT, target_recall=draw(st.sampled_from([0.9, 0.95])))
        auroc = Estimate(draw(st.sampled_from([0.5, 0.8, nan])))
        record = replace(
            BASE.evaluation,
            protocol=how,
            operating_point=point,
            metrics={**BASE.evaluation.metrics, "auroc": auroc},
        )
        runs.append(
            replace(
                BASE,
                name=f"run {number}",
                evaluation=record,
                predictions=draw(st.sampled_from([BASE.predictions, other_cells])),
                training=draw(st.sampled_from(["t", "u"])),
            )
        )
    return runs


def told_apart(one: Entry, other: Entry) -> bool:
    """Whether two runs differ in anything that a figure hangs on besides the model."""
    mine, its = one.evaluation, other.evaluation
    return (
        one.predictions.key.tolist() != other.predictions.key.tolist()
        or one.training != other.training
        or mine.leaky != its.leaky
        or mine.protocol.split != its.protocol.split
        or mine.protocol.part != its.protocol.part
        or mine.protocol.synthetic != its.protocol.synthetic
        or mine.operating_point.target_recall != its.operating_point.target_recall
    )


@given(entries())
@settings(max_examples=60, deadline=None)
def test_no_ranking_ever_holds_two_protocols(runs):
    groups = compare_entries(runs, "auroc")
    found = [row.entry for group in groups for row in group.rows]
    assert sorted(entry.name for entry in found) == sorted(entry.name for entry in runs)
    for group in groups:
        own = [row.entry for row in group.rows]
        assert not any(told_apart(one, other) for one in own for other in own)
        ranks = [row.rank for row in group.rows if row.rank is not None]
        assert ranks == sorted(ranks)
        assert not ranks or ranks[0] == 1
    first = [group.first for group in groups]
    assert all(told_apart(a, b) for a in first for b in first if a is not b)
    leaky = [group.leaky for group in groups]
    assert leaky == sorted(leaky)  # honest ones first


def test_the_best_comes_first_and_equal_figures_share_a_rank():
    runs = [
        with_figures("low", auroc=0.6, ece=0.1),
        with_figures("undefined", auroc=nan, ece=0.4),
        with_figures("high", auroc=0.9, ece=0.3),
        with_figures("even", auroc=0.9, ece=0.2),
    ]
    by_auroc = [(entry.name, rank) for entry, rank in ranked(runs, "auroc")]
    assert by_auroc == [("even", 1), ("high", 1), ("low", 3), ("undefined", None)]
    by_ece = [entry.name for entry, _ in ranked(runs, "ece")]
    assert by_ece == ["low", "even", "high", "undefined"]
    assert ranked(runs[:1], "auroc") == [(runs[0], None)]  # alone it is no first


def test_another_division_of_the_persons_is_other_data():
    merged = predictions()
    person = np.where(merged["person"] == "2", "1", merged["person"])
    other = replace(BASE, name="b", predictions=predictions_of(merged.with_columns(person=person)))
    assert len(grouped([BASE, other])) == 2


def test_a_difference_agrees_with_a_plain_bootstrap():
    first, second = made_entry("first", model=1), made_entry("second", model=4)
    [group] = compare_entries([first, second], "auroc", [first], replicates=1000)
    rows = {row.entry.name: row for row in group.rows}
    found = rows["second"].difference
    assert rows["first"].is_baseline
    assert found.baseline == "first"
    assert found.remark == ""

    # The plain way: join by image, draw persons of each class, copy out their cells, score twice.
    tables = [predictions(model=model) for model in (1, 4)]
    scores = [dict(zip(t["sha256"], t["p_all"], strict=True)) for t in tables]
    label = dict(zip(tables[0]["sha256"], tables[0]["label"].tolist(), strict=True))
    cells: dict[str, list[str]] = {}
    for person, image in zip(tables[0]["person"], tables[0]["sha256"], strict=True):
        cells.setdefault(person, []).append(image)

    def difference(images: list[str], measure) -> float:
        truth = [label[image] for image in images]
        before, after = ([score[image] for image in images] for score in scores)
        return measure(truth, after) - measure(truth, before)

    def called(truth, p):
        return reference.balanced_accuracy_score(truth, np.array(p) >= POINT.threshold)

    every = [image for own in cells.values() for image in own]
    random = np.random.default_rng(99)
    strata = [[who for who in cells if who.startswith("H") == hem] for hem in (False, True)]
    for key, measure in (("auroc", reference.roc_auc_score), ("balanced_accuracy", called)):
        drawn = [
            difference(
                [
                    image
                    for own in strata
                    for who in random.choice(own, len(own))
                    for image in cells[who]
                ],
                measure,
            )
            for _ in range(120)
        ]
        low, high = np.percentile(drawn, [2.5, 97.5])
        estimate = found.estimates[key]
        assert estimate.value == pytest.approx(difference(every, measure))
        assert estimate.low == pytest.approx(low, abs=0.25 * (high - low))
        assert estimate.high == pytest.approx(high, abs=0.25 * (high - low))


def test_the_order_of_the_table_of_predictions_does_not_matter():
    table = predictions(model=2)
    mixed = table.select(np.random.default_rng(0).permutation(len(table)))
    one, other = predictions_of(table), predictions_of(mixed)
    assert (one.cells, one.content) == (other.cells, other.content)
    assert one.p.tolist() == other.p.tolist()
    assert why_not_paired(one, other) == ""


def test_where_cells_differ_there_is_no_difference_and_the_reason_is_said():
    table = predictions()
    one = predictions_of(table)
    fewer = predictions_of(table.select(np.arange(len(table)) > 4))
    assert why_not_paired(one, fewer).startswith(f"other cells: {len(fewer)} of its {len(fewer)}")
    label = table["label"].copy()
    label[0] = 1 - label[0]
    assert "1 of them have another label" in why_not_paired(
        one, predictions_of(table.with_columns(label=label))
    )
    person = table["person"].copy()
    person[:3] = "77"
    assert "3 of them have another person" in why_not_paired(
        one, predictions_of(table.with_columns(person=person))
    )
    runs = [BASE, replace(made_entry("b", model=1), predictions=fewer)]
    rows = [row for group in compare_entries(runs, "auroc", [BASE]) for row in group.rows]
    [found] = [row.difference for row in rows if row.entry.name == "b"]
    assert (found.baseline, found.estimates) == ("a", {})
    assert found.remark.startswith("other cells")


def test_the_same_cells_after_another_training_are_paired_and_it_is_said():
    other = made_entry("b", model=3, protocol=LEAKY, training="elsewhere")
    groups = compare_entries([BASE, other], "auroc", [BASE], replicates=20)
    assert [group.leaky for group in groups] == [False, True]
    found = groups[1].rows[0].difference
    assert found.estimates["auroc"].value == pytest.approx(
        other.value("auroc") - BASE.value("auroc")
    )
    assert "trained on others: by image" in found.remark


def test_each_group_has_the_baseline_of_its_own_protocol():
    runs = [
        made_entry("dense 0", recipe="dense"),
        made_entry("cnn 0", model=2),
        made_entry("dense 1", cells=1, recipe="dense"),
        made_entry("cnn 1", cells=1, model=2),
        made_entry("cnn 2", cells=2, model=2),
    ]
    baselines = [run for run in runs if run.recipe == "dense"]
    groups = compare_entries(runs, "auroc", baselines, replicates=20)
    rows = {row.entry.name: row for group in groups for row in group.rows}
    assert [name for name, row in rows.items() if row.is_baseline] == ["dense 0", "dense 1"]
    assert rows["cnn 0"].difference.baseline == "dense 0"
    assert rows["cnn 1"].difference.baseline == "dense 1"
    assert rows["cnn 2"].difference.estimates == {}
    assert "no run of the baseline's recipe" in rows["cnn 2"].difference.remark


def test_images_without_a_hash_are_known_by_the_end_of_their_path():
    table = predictions().with_columns(sha256=[""] * len(predictions()))
    tails = [path.name for path in table.paths]
    here, there, other = (
        predictions_of(table.with_columns(path=[f"{top}/{name}" for name in tails]))
        for top in ("/here/set/fold_0/all", "/mnt/there/set/fold_0/all", "/here/set/fold_1/all")
    )
    assert why_not_paired(here, there) == ""
    assert why_not_paired(here, other).startswith("other cells: 0 of")


@pytest.mark.parametrize(
    "columns",
    [{"p_all": ["high"]}, {"p_all": [1.5]}, {"p_all": [nan]}],
    ids=["text", "no probability", "unanswered"],
)
def test_predictions_that_are_none_are_refused(columns):
    one = predictions().select(np.array([0]))
    with pytest.raises(LeukoscopeError):
        predictions_of(one.with_columns(**columns))
