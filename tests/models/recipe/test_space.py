from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import RecipeError
from leukoscope.models.recipe.recipe import read_recipe, recipe_names
from leukoscope.models.recipe.space import (
    Choice,
    Range,
    plain,
    read_space,
    read_space_file,
)

CNN, LOGISTIC, STAGED = map(read_recipe, ("cnn", "logistic", "vgg19"))


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("loss.l2", "1e-6..1e-3:log", Range(1e-6, 1e-3, log=True)),
        ("loss.l2", {"low": "1e-6", "high": 1e-3, "log": True}, Range(1e-6, 1e-3, log=True)),
        ("fit.epochs", {"low": 2, "high": 8}, Range(2, 8, whole=True)),
        ("network.dropout", "0..0.6", Range(0, 0.6)),
        ("network.dropout", " .1 .. 5e-1 ", Range(0.1, 0.5)),
        ("fit.epochs", "2..8", Range(2, 8, whole=True)),
        ("network.activation", "relu,gelu, silu", Choice(("relu", "gelu", "silu"))),
        ("network.widths", "[32,64],[32,64,64]", Choice(([32, 64], [32, 64, 64]))),
        ("network.widths", [[32, 64], [32, 64, 64]], Choice(([32, 64], [32, 64, 64]))),
        ("network.widths", "16..64:log", Range(16, 64, log=True, whole=True)),
        ("input.size", "128,192,256", Choice((128, 192, 256))),
        ("augment.flip", "true,false", Choice((True, False))),
        ("loss.class_weights", "none,{ALL: 1, HEM: 2}", Choice(("none", {"ALL": 1, "HEM": 2}))),
        ("network.weights", "none,../a.npz", Choice(("none", "../a.npz"))),
    ],
)
def test_ranges_and_choices(name: str, text: Any, meant: object) -> None:
    assert read_space({name: text}, CNN) == {name: meant}


def test_of_other_kinds_of_recipes() -> None:
    assert read_space({"classical.c": "0.1..10:log"}, LOGISTIC)["classical.c"].log
    found = read_space(
        {"stages.0.epochs": "1..4", "stages.1.learning_rate.head": "1e-4..1e-3"}, STAGED
    )
    assert found["stages.0.epochs"] == Range(1, 4, whole=True)
    assert found["stages.1.learning_rate.head"] == Range(1e-4, 1e-3)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("network.dropout", "0..1.5", "network.dropout: from 0 to below 1"),
        ("network.dropout", "a..b", "neither a range nor"),
        ("network.dropout", "0.6..0", "the smaller"),
        ("network.dropout", "0.3..0.3", "the smaller"),
        ("network.dropout", "0..1e999", "a number"),
        ("network.dropout", "0..0.6:cubic", "cubic"),
        ("network.dropout", 0.5, "neither a range nor"),
        ("network.dropout", {"low": 0.1}, "high"),
        ("network.dropout", {"low": 0.1, "high": "x"}, "a number"),
        ("network.dropout", {"low": 0.1, "high": 0.2, "log": 1}, "true or false"),
        ("network.dropout", {"low": 0.1, "high": 0.2, "step": 0.1}, "low, high and log"),
        ("network.dropout", {"low": 0.1, "high": 0.2, "whole": True}, "low, high and log"),
        ("fit.epochs", {"low": 1, "high": 2.5}, "whole numbers"),
        ("loss.l2", {"low": 0, "high": 1e-3, "log": True}, "above 0"),
        ("loss.l2", "0..1e-3:log", "above 0"),
        ("loss.l2", "[1", "cannot be read"),
        ("fit.epochs", "1..2.5", "whole numbers"),
        ("network.activation", "relu,relu", "two or more"),
        ("network.activation", "relu,sine", "choose one of relu"),
        ("network.activation", "0..1", "choose one of relu"),
        ("input.size", "8,64", "16 <= size <= crop"),
        ("network.width", "1..2", "no setting 'network.width'"),
        ("stages.0.epochs", "1..2", "no setting 'stages.0.epochs'"),
        ("name", "a,b", "cannot be varied"),
        ("fit.monitor", "auroc,loss", "--objective"),
    ],
)
def test_what_cannot_be_varied_so_is_named(name: str, text: Any, says: str) -> None:
    with pytest.raises(RecipeError) as refused:
        read_space({name: text}, CNN)
    assert says in str(refused.value)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_values_that_only_go_together_are_taken() -> None:
    both = {"input.crop": "300,450", "input.size": "300,450"}  # descriptors want them equal
    assert len(read_space(both, LOGISTIC)) == 2
    with pytest.raises(RecipeError, match=r"input\.crop cannot be 300"):
        read_space({"input.crop": "300,450"}, LOGISTIC)
    deep = {"network.widths": [[8] * 3, [8] * 7], "input.size": "64,384"}
    assert len(read_space(deep, CNN)) == 2


def test_old_names_and_values_are_read() -> None:
    space = read_space(
        {"network.halving": "max,average", "fit.epochs": "1..3", "optimiser.clip": "0..1"}, CNN
    )
    assert list(space) == ["network.downsampling", "fit.epochs", "optimizer.clip"]
    assert read_space({"classical.weights": "cell,person"}, LOGISTIC) == {
        "classical.balance": Choice(("none", "person"))
    }


def test_nothing_to_vary_is_refused() -> None:
    with pytest.raises(RecipeError, match="nothing to vary"):
        read_space({}, CNN)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_has_a_space_that_it_can_take(name: str) -> None:
    recipe = read_recipe(name)
    space = read_space(recipe.default_space, recipe)
    assert len(space) >= 2
    assert read_space(plain(space), recipe) == space
    assert read_space(yaml.safe_load(yaml.safe_dump(plain(space))), recipe) == space


def test_a_file_is_read_as_a_recipe_is(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    for text in ("0..0.6", "{low: 0, high: 0.6}"):
        file.write_text(f"network.dropout: {text}\nnetwork.widths: [[8, 16], [16]]\n")
        assert read_space(read_space_file(file), CNN)["network.dropout"] == Range(0, 0.6)
    for text in ("- 1", "a: [1", "just text", ""):
        file.write_text(text)
        with pytest.raises(RecipeError, match=str(file)):
            read_space_file(file)
    with pytest.raises(RecipeError, match="absent"):
        read_space_file(tmp_path / "absent.yaml")


@given(
    st.sampled_from([*CNN.setting_names(), "stages.0.train", "x"]) | st.text(max_size=12),
    st.text(max_size=30)
    | st.from_regex(r"-?[0-9.e]{0,6}\.\.-?[0-9.e]{0,6}(:log)?", fullmatch=True)
    | st.text("[]{},:.0123456789 eE-relu", max_size=20),
)
def test_any_text_is_a_space_or_one_line(name: str, text: str) -> None:
    refusal, space = "", {}
    try:
        space = read_space({name: text}, CNN)
    except RecipeError as error:
        refusal = str(error)
    assert bool(refusal) != bool(space)
    assert "\n" not in refusal
    for vary in space.values():
        for value in vary.values if isinstance(vary, Choice) else (vary.low, vary.high):
            CNN.with_settings({name: value})


@given(st.floats(1e-9, 0.5), st.floats(0.51, 0.9), st.booleans())
def test_a_range_means_the_numbers_that_were_written(low: float, high: float, log: bool) -> None:
    text = f"{low!r}..{high!r}{':log' if log else ''}"
    assert read_space({"network.dropout": text}, CNN) == {
        "network.dropout": Range(low, high, log=log)
    }
