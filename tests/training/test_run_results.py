"""A measured run, read from its folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import LeukoscopeError
from leukoscope.evaluation.comparison import text as words
from leukoscope.evaluation.comparison.comparison import compare_entries
from leukoscope.evaluation.comparison.record import Comparison
from leukoscope.evaluation.comparison.seeds import seed_means
from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe
from leukoscope.training.run_results import changed_settings, printable, read_run_result
from tests.evaluation.made_runs import made_entry, write_measured_run

ODD = [None, True, -1, 3, 0.5, 1e400, "", "x", [], ["x"], {}, {"x": 1}]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_measured_run(tmp_path_factory.mktemp("runs") / "dense")


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of a JSON tree is."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in items:
        found.append((*above, key))
        if isinstance(item, dict | list):
            found += places(item, (*above, key))
    return found


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_report_with_any_value_replaced_is_refused_or_shown(run: Path, data: Any) -> None:
    path = run / "report.json"
    whole = path.read_text()
    body = json.loads(whole)
    *above, last = data.draw(st.sampled_from(places(body)))
    branch = body
    for key in above:
        branch = branch[key]
    branch[last] = data.draw(st.sampled_from(ODD))
    try:
        path.write_text(json.dumps(body))
        entry = read_run_result(run).entry
    except LeukoscopeError:
        return
    finally:
        path.write_text(whole)
    entries = [entry, made_entry("other", cells=1), made_entry("third", cells=2)]
    groups = compare_entries(entries, "auroc", entries[1:2], replicates=5)
    comparison = Comparison("auroc", groups, seed_means(entries))
    assert json.loads(comparison.to_json())
    assert len(comparison.columns()["run"]) == 3
    for group in groups:
        assert words.heading(group)
        assert words.identity(group)


def test_only_what_was_changed_of_a_packaged_recipe_is_named() -> None:
    assert changed_settings(read_recipe("cnn")) == ()
    changed = read_recipe("inception_v3").with_settings(
        {"network.weights": "none", "fit.epochs": 4, "network.head": [8, 4]}
    )
    assert changed_settings(changed) == (
        "network.head=[8, 4]",
        "network.weights=none",
        "fit.epochs=4",
    )
    staged = read_recipe("vgg19").with_settings({"stages.0.epochs": 2})
    assert changed_settings(staged) == ("stages.0.epochs=2",)
    assert changed_settings(read_recipe("svm").with_settings({"classical.c": 1})) == (
        "classical.c=[1.0]",
    )
    assert changed_settings(NetworkRecipe("my-own")) == ()


def test_characters_that_upset_a_terminal_are_replaced() -> None:
    assert printable("a\x1b[31m\n\udc80é$") == "a\N{REPLACEMENT CHARACTER}[31m" + (
        2 * "\N{REPLACEMENT CHARACTER}" + "é$"
    )
