"""Figures of others beside ours."""

import pytest

from leukoscope.core.errors import LeukoscopeError
from leukoscope.evaluation.comparison.published import (
    PublishedComparison,
    PublishedResult,
    compare_with_published,
    read_published,
)
from leukoscope.evaluation.comparison.seeds import seed_means
from leukoscope.models.recipe.recipe import recipe_names
from tests.evaluation.made_runs import HONEST, LEAKY, made_entry

ONE = PublishedResult("A system", "cnn", "random images", "accuracy", 0.955, "their page")
CSV = "system,recipe,protocol,metric,value,source\n"


def test_the_packaged_claims_name_recipes_and_metrics_that_exist():
    claims = read_published()
    assert {claim.recipe for claim in claims} <= set(recipe_names())
    assert {(claim.recipe, claim.metric): claim.value for claim in claims} == {
        ("cnn", "sensitivity"): 0.91,
        ("cnn", "accuracy"): 0.82,
        ("inception_v3", "accuracy"): 0.955,
        ("inception_v3-finetune", "accuracy"): 0.87,
        ("vgg19", "accuracy"): 0.82,
    }
    assert all(claim.source for claim in claims)


def test_a_table_and_a_yaml_file_say_the_same(tmp_path):
    table, listed = tmp_path / "claims.csv", tmp_path / "claims.yaml"
    table.write_text(CSV + "A system,cnn,random images,accuracy,0.955,their page\n")
    listed.write_text(
        "- {system: A system, recipe: cnn, protocol: random images, metric: accuracy, "
        "value: 0.955, source: their page}\n"
    )
    assert read_published(table) == read_published(listed) == (ONE,)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.yaml", "- {system: a", "YAML"),
        ("c.yaml", "system: a", "list"),
        ("c.yaml", "- just words", "result 1"),
        ("c.yaml", "- {system: a, recipe: b, metric: auroc, value: 1}", "fields"),
        ("c.csv", CSV + "a,b,c,beauty,0.5,d\n", "'beauty'"),
        ("c.csv", CSV + "a,b,c,auroc,0.5,d\na,b,c,auroc,high,d\n", "result 1"),
        ("c.csv", CSV + "a,b,c,auroc,,d\n", "not a number"),
        ("c.txt", "", "table"),
        ("absent.yaml", None, "absent.yaml"),
    ],
)
def test_a_file_of_claims_that_is_none_is_refused_by_name(tmp_path, name, text, words):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(LeukoscopeError, match=words) as refused:
        read_published(path)
    assert name in str(refused.value)


def test_a_claim_stands_beside_the_means_and_the_runs_of_its_recipe():
    runs = [
        made_entry("person 0", cells=0),
        made_entry("person 1", cells=1),
        made_entry("image 0", cells=2, protocol=LEAKY),
        made_entry("other", recipe="dense"),
    ]
    image, person = compare_with_published([ONE], runs, seed_means(runs))
    record = runs[2].evaluation
    assert image == PublishedComparison(
        ONE,
        "image 0",
        "by image",
        True,
        str(record.metrics["accuracy"]),
        str(record.metrics_at_half["accuracy"]),
    )
    assert person.ours == "mean and range of 2 test sets"
    assert (person.split, person.leaky) == (HONEST.split, False)
    values = [run.evaluation.metrics["accuracy"].value for run in runs[:2]]
    assert person.at_point == f"{sum(values) / 2:.3f} ({min(values):.3f} to {max(values):.3f})"


def test_a_claim_without_a_run_of_ours_is_still_listed():
    assert compare_with_published([ONE], [made_entry(recipe="dense")], ()) == [
        PublishedComparison(ONE)
    ]
