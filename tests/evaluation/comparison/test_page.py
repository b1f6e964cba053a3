"""A comparison as table, JSON, page and plot."""

import json
import re
from dataclasses import replace
from math import nan

import pytest

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.tables import read_table, write_table
from leukoscope.core.values import Estimate
from leukoscope.evaluation.comparison import text as words
from leukoscope.evaluation.comparison.comparison import Speed, compare_entries
from leukoscope.evaluation.comparison.page import render_comparison
from leukoscope.evaluation.comparison.plots import Block, forest
from leukoscope.evaluation.comparison.published import MARK, PublishedResult, compare_with_published
from leukoscope.evaluation.comparison.record import Comparison
from leukoscope.evaluation.comparison.seeds import seed_means
from leukoscope.evaluation.metrics.metrics import METRICS
from tests.evaluation.made_runs import HONEST, LEAKY, made_entry

HOSTILE = '<script>alert("x")</script> $\\frac{'
SENTENCE = words.BY_IMAGE


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    runs = [
        made_entry("honest", weights=3_742_849, epochs=4, seconds=200.0, speed=Speed(30, 20, 40)),
        made_entry(HOSTILE, model=3, recipe=HOSTILE, settings=(HOSTILE,)),
        made_entry("second seed", cells=1),
        made_entry("leaky", cells=2, protocol=LEAKY),
    ]
    groups = compare_entries(runs, "auroc", runs[:1], replicates=20)
    claim = PublishedResult(HOSTILE, "cnn", HOSTILE, "accuracy", 0.955, HOSTILE)
    means = seed_means(runs)
    return Comparison(
        "auroc",
        groups,
        means,
        tuple(compare_with_published([claim], runs, means)),
        (f"{HOSTILE}: not a run",),
        (HOSTILE,),
        "Speed was measured in a test.",
    )


@pytest.fixture(scope="module")
def page(comparison: Comparison) -> str:
    return without_pictures(comparison)


def without_pictures(comparison: Comparison) -> str:
    return re.sub(r"data:image/[^\"]*", "", render_comparison(comparison))


@pytest.mark.usefixtures("drawn")
def test_names_from_outside_are_escaped(comparison):
    page = without_pictures(comparison)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 8


def test_only_a_leaky_group_has_the_mark_and_the_sentence(page, comparison):
    assert SENTENCE in page
    assert page.count('class="note warning leaky"') == 1
    at = page.index('class="note warning leaky"')
    headings = [words.heading(group) for group in comparison.groups]
    assert [group.leaky for group in comparison.groups] == [False, False, True]
    assert page.index(headings[2]) < at  # below its own heading, after those of honest groups
    assert max(page.index(heading) for heading in headings[:2]) < at
    honest = replace(comparison, groups=comparison.groups[:2], means=(), published=())
    assert "leaky)" not in render_comparison(honest).split("<main>")[1]
    assert SENTENCE not in render_comparison(honest)


def test_the_page_has_every_figure_claim_and_remark(page, comparison):
    for entry in comparison.entries:
        for metric in METRICS:
            figure = entry.evaluation.metrics[metric.key]
            assert f"{figure.value:.3f}" in page
            assert f"{figure.low:.3f} to {figure.high:.3f}" in page
    for wanted in (MARK, "0.955", RESEARCH_USE, "3.74 M", "3.3 min: 4 x 50 s", "30 (20 to 40)"):
        assert wanted in page
    for title in ("Skipped", "Remarks", "Means over test sets", words.SEEDS.split(";")[0]):
        assert title in page


def test_json_holds_it_all_and_knows_no_nan(comparison):
    undefined = Estimate(nan, reason="one class only")
    [first, *rest] = comparison.groups
    row = first.rows[0]
    figures = {**row.entry.evaluation.metrics, "mcc": undefined}
    record = replace(row.entry.evaluation, metrics=figures)
    changed = replace(row, entry=replace(row.entry, evaluation=record))
    groups = (replace(first, rows=(changed, *first.rows[1:])), *rest)
    body = json.loads(replace(comparison, groups=groups).to_json())
    assert body["notice"] == RESEARCH_USE
    run = body["groups"][0]["runs"][0]
    assert run["metrics"]["mcc"] == {
        "value": None,
        "low": None,
        "high": None,
        "reason": "one class only",
    }
    assert [group["leaky"] for group in body["groups"]] == [False, False, True]
    assert len({(group["data"], group["training"]) for group in body["groups"]}) == 3
    assert body["left_out"] == [f"{HOSTILE}: not a run"]


def test_the_table_on_disk_has_a_row_per_run_with_figures_intervals_and_differences(
    comparison, tmp_path
):
    write_table(tmp_path / "c.csv", comparison.columns())
    table = read_table(tmp_path / "c.csv", text=["run"])
    assert table["run"].tolist() == [entry.name for entry in comparison.entries]
    assert set(table["group"]) == {1, 2, 3}
    at = table["run"].tolist().index(HOSTILE)
    [found] = [row for row in comparison.groups[0].rows if row.entry.name == HOSTILE]
    for metric in METRICS:
        for name, figure in (
            (metric.key, found.entry.evaluation.metrics[metric.key]),
            (f"difference_{metric.key}", found.difference.estimates[metric.key]),
        ):
            assert table[name][at] == figure.value
            assert table[f"{name}_low"][at] == figure.low
            assert table[f"{name}_high"][at] == figure.high
    assert table["baseline"][at] == "honest"


def test_exit_code_says_whether_any_was_left_out(comparison):
    assert comparison.exit_code == 3
    assert replace(comparison, skipped=()).exit_code == 0


def test_two_groups_that_look_alike_are_told_apart():
    runs = [made_entry("a"), made_entry("b", model=1, training="elsewhere")]
    one, other = compare_entries(runs, "auroc")
    assert words.heading(one) == words.heading(other)
    assert words.identity(one) != words.identity(other)


def test_every_run_has_its_line_in_the_plot_and_a_dollar_is_no_formula(tmp_path):
    blocks = [
        Block(HONEST.split, False, [(HOSTILE, Estimate(0.7, 0.6, 0.8)), ("b", Estimate(nan))]),
        Block("$\\frac{", True, [("c" * 90, Estimate(0.9))]),
    ]
    sheet = forest(blocks, "AUROC", zero=0.5)
    sheet.savefig(tmp_path / "plot.png")
    labels = [text.get_text() for text in sheet.axes[0].get_yticklabels()]
    assert labels[:2] == [HOSTILE, "b"]
    assert len(labels[2]) < 60
    titles = [text.get_text() for text in sheet.axes[0].texts]
    assert titles == [HONEST.split, "LEAKY  $\\frac{"]
