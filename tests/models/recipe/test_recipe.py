from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.networks import build
from leukoscope.models.network.param_groups import blocks, head
from leukoscope.models.network.settings import Network
from leukoscope.models.recipe.recipe import (
    NetworkRecipe,
    from_dict,
    read_recipe,
    recipe_names,
    write_recipe,
)
from leukoscope.models.recipe.settings import Augment, Fit, Input, Loss, Optimizer, Schedule, Stage

SETTING_NAMES = NetworkRecipe("any").setting_names()
GROUPS = ("network", "input", "augment", "loss", "optimizer", "schedule", "fit")
NAMES = sorted({name.partition(".")[2] for name in SETTING_NAMES})

share = st.floats(0, 0.8)
amount = st.floats(0, 1e6, allow_subnormal=False)
count = st.integers(1, 1000)
recipes = st.builds(
    NetworkRecipe,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    summary=st.text(max_size=20),
    network=st.builds(
        Network,
        architecture=st.just("cnn"),
        widths=st.lists(count, min_size=1, max_size=3).map(tuple),
        pooling=st.sampled_from(["flatten", "gap"]),
        downsampling=st.sampled_from(["max", "average"]),
        norm=st.sampled_from(["none", "batch", "group", "layer"]),
        activation=st.sampled_from(["relu", "gelu"]),
        laplacian=st.booleans(),
        hidden=count,
        head=st.lists(count, max_size=2).map(tuple),
        dropout=share,
        weights=st.sampled_from(["none", "w.npz"]),
    ),
    input=st.builds(Input, crop=st.integers(256, 4096), size=st.integers(64, 256)),
    augment=st.builds(Augment, st.floats(0, 180), st.booleans(), *[share] * 5),
    loss=st.builds(
        Loss,
        st.sampled_from(["none", "balanced"])
        | st.fixed_dictionaries({"ALL": st.floats(0.1, 9), "HEM": st.floats(0.1, 9)}),
        amount,
        amount,
        st.sampled_from(["all", "head"]),
        share,
    ),
    optimizer=st.builds(
        Optimizer, st.sampled_from(["adam", "sgd"]), st.floats(1e-6, 10), amount, amount
    ),
    schedule=st.builds(
        Schedule,
        st.sampled_from(["constant", "cosine", "plateau"]),
        st.integers(0, 9),
        st.floats(0.01, 0.9),
        st.integers(0, 9),
    ),
    fit=st.builds(Fit, count, count, count, st.sampled_from(["loss", "auroc"])),
    stages=st.lists(
        st.builds(
            Stage,
            st.sampled_from(["all", "head"]) | st.fixed_dictionaries({"last": count}),
            st.integers(0, 99),
            st.floats(0, 1)
            | st.fixed_dictionaries({"backbone": st.floats(1e-9, 1), "head": st.floats(1e-9, 1)}),
            st.integers(0, 99),
            st.floats(0.1, 1),
        ),
        max_size=3,
    ).map(tuple),
)

scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["balanced", "cnn", "gap", "1e-3", "nan", "inf", "ALL"])
)
value = scalar | st.lists(scalar, max_size=3) | st.dictionaries(scalar, scalar, max_size=3)
group = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), value, max_size=4)
stage = st.dictionaries(st.sampled_from([f.name for f in fields(Stage)]), value, max_size=3)
trees = st.dictionaries(
    st.sampled_from([*GROUPS, "name", "summary", "stages"]) | scalar,
    group | value | st.lists(stage, max_size=2),
    max_size=6,
)


def refusal(make: Callable[[], NetworkRecipe]) -> str:
    """What the RecipeError says, or "" where the recipe was taken and can be written and read."""
    try:
        recipe = make()
    except RecipeError as error:
        return str(error)
    return "" if from_dict(recipe.to_dict()) == recipe else "changed on the way"


@given(trees | trees.map(lambda tree: tree | {"name": "x"}))
def test_any_dict_is_a_recipe_or_a_recipe_error(tree: dict[Any, Any]) -> None:
    said = refusal(lambda: from_dict(tree))
    assert "\n" not in said
    assert said != "changed on the way"


@given(st.sampled_from(SETTING_NAMES), value)
def test_any_value_of_a_setting_is_taken_or_refused_by_name(name: str, value: object) -> None:
    said = refusal(lambda: NetworkRecipe("x").with_settings({name: value}))
    assert not said or name.partition(".")[0] in said


@settings(max_examples=40)
@given(recipes, recipes)
def test_with_settings_makes_any_recipe_of_any_other(
    first: NetworkRecipe, second: NetworkRecipe
) -> None:
    second = replace(second, name=first.name, summary=first.summary)
    tree = second.to_dict()
    settings = {name: tree[name.split(".")[0]][name.split(".")[1]] for name in SETTING_NAMES}
    assert first.with_settings(settings | {"stages": tree["stages"]}) == second


@settings(max_examples=40)
@given(recipes)
def test_to_dict_and_back(recipe: NetworkRecipe) -> None:
    assert from_dict(recipe.to_dict()) == recipe


def test_file_and_back(tmp_path) -> None:
    recipe = NetworkRecipe("ü-1", summary="yes: no # 'quoted'").with_settings(
        {"loss.class_weights": {"ALL": 0.25, "HEM": 4}, "network.widths": [3, 5], "loss.l2": "1e-4"}
    )
    write_recipe(recipe, tmp_path / "r.yaml")
    assert read_recipe(tmp_path / "r.yaml") == recipe
    assert recipe.loss.l2 == 1e-4


@pytest.mark.parametrize("name", recipe_names())
def test_every_packaged_recipe_reads_and_builds(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.summary
    if isinstance(recipe, NetworkRecipe):
        with torch.device("meta"):  # shapes alone, for some are large
            network = build(recipe)
        known = {*head(network), *(weight for block in blocks(network) for weight in block)}
        assert known == {name for name, _ in network.named_parameters()}


def test_a_field_of_one_stage_can_be_set() -> None:
    recipe = read_recipe("vgg19").with_settings({"stages.1.epochs": 2, "stages.0.train": "all"})
    assert [stage.epochs for stage in recipe.stages] == [3, 2]
    assert recipe.stages[0].train == "all"


def test_setting_names_cover_every_field() -> None:
    recipe = NetworkRecipe("x")
    expected = {f"{g}.{f.name}" for g in GROUPS for f in fields(getattr(recipe, g))}
    assert set(SETTING_NAMES) == expected


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"loss.l3": 1}, "loss.l3"),
        ({"nowhere": 1}, "nowhere"),
        ({"network.widths.0": 1}, "network.widths.0"),
        ({"fit.epochs": 1.5}, "a whole number"),
        ({"fit.epochs": True}, "a whole number"),
        ({"augment.flip": 1}, "true or false"),
        ({"fit.sampling": "cell"}, "natural, class, person"),
        ({"network.pooling": "gap", "network.architecture": "dense"}, "have no positions"),
        ({"network.architecture": "resnet"}, "timm:NAME"),
        ({"network.architecture": "timm:../x"}, "timm:NAME"),
        ({"network.architecture": "timm:x", "network.norm": "batch"}, "network.norm"),
        ({"network.architecture": "dense", "network.laplacian": True}, "network.laplacian"),
        ({"network.head": [8, 0]}, "network.head"),
        ({"network.weights": "hub"}, "network.weights"),
        ({"network.weights": " "}, "network.weights"),
        ({"stages": [{"train": "tail"}]}, r"stages\[0\]\.train is .tail.; .* all, head"),
        ({"stages": [{"train": {"first": 2}}]}, "train is all, head, or {last: N}"),
        ({"stages": [{"train": {"last": 0}}]}, "N above 0"),
        ({"stages": [{"rate": 1}]}, r"stages\[0\]\.rate"),
        ({"stages": [{"learning_rate": {"head": 1}}]}, "backbone: x, head: y"),
        ({"stages": [{"learning_rate": -1}]}, "learning_rate"),
        ({"stages": [{"layer_decay": 2}]}, "layer_decay"),
        ({"stages": [{"epochs": -1}]}, "epochs"),
        ({"stages": [3]}, r"stages\[0\] must"),
        ({"stages.0.epochs": 2}, "no setting 'stages.0.epochs'"),
        ({"input.size": 16}, "too many convolutions"),
        ({"optimizer.learning_rate": "inf"}, "a number"),
        ({"optimizer.learning_rate": 10**400}, "a number"),
        ({"augment.brightness": 1.0}, "brightness"),
        ({"loss.class_weights": {"ALL": 1}}, "class_weights"),
        ({"loss.class_weights": {"ALL": 1, "HEM": 0}}, "class_weights"),
        ({"schedule.patience": -1}, "patience"),
        ({"name": "../up"}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        NetworkRecipe("x").with_settings(changes)


@pytest.mark.parametrize(
    "content", [b"[1, 2", b"- a\n- b\n", b"\xff\xfe", b"", b"name: 2024-99-99\n", b"[" * 2000]
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"r\.yaml"):
        read_recipe(path)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(RecipeError, match="cnn-gap"):
        read_recipe("resnet-9000")
