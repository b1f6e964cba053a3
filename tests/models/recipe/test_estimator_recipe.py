from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import RecipeError
from leukoscope.data.descriptors import GROUPS
from leukoscope.models.estimators.base import ESTIMATORS
from leukoscope.models.recipe.recipe import from_dict, read_recipe, write_recipe
from leukoscope.models.recipe.settings import WHOLE_FRAME, Input


def recipe_of(estimator="svm", **more):
    return from_dict({"name": "x", "classical": {"estimator": estimator, **more}})


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_defaults_stand_for_each_estimator_and_survive_a_file(estimator, tmp_path):
    recipe = recipe_of(estimator)
    assert recipe.classical == ESTIMATORS[estimator]()
    side = recipe.classical.SIDE
    assert recipe.input == (Input(400, 400) if estimator == "texture" else WHOLE_FRAME)
    assert recipe.input == Input(side, side)
    write_recipe(recipe, tmp_path / "r.yaml")
    assert read_recipe(tmp_path / "r.yaml") == recipe


def test_what_has_no_meaning_is_neither_written_nor_taken():
    assert set(recipe_of().to_dict()) == {"name", "summary", "input", "classical"}
    assert not any(name.startswith("optimizer") for name in recipe_of().setting_names())
    with pytest.raises(RecipeError, match=r"no setting 'optimizer\.name'.*classical\.gamma"):
        recipe_of().with_settings({"optimizer.name": "adam"})
    with pytest.raises(RecipeError, match="classical, so network is not allowed"):
        from_dict({"name": "x", "network": {}, "classical": {"estimator": "svm"}})
    assert "classical" not in read_recipe("cnn").to_dict()


def test_one_value_stands_for_a_list():
    changed = recipe_of().with_settings({"classical.c": "1e-2", "classical.gamma": [1, 2]})
    assert changed.classical.c == (0.01,)
    assert changed.classical.candidates() == [{"c": 0.01, "gamma": 1}, {"c": 0.01, "gamma": 2}]


@given(
    st.lists(st.floats(0.01, 9), min_size=1, max_size=4), st.lists(st.integers(1, 9), min_size=1)
)
def test_candidates_are_all_combinations_in_order(c, gamma):
    found = recipe_of(c=c, gamma=gamma).classical.candidates()
    assert [tuple(one.values()) for one in found] == list(product(c, map(float, gamma)))


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        (None, "classical.estimator is None; choose one of .*logistic"),
        ({"estimator": ["svm"]}, "classical.estimator"),
        ({"estimator": "trees"}, "classical.estimator is 'trees'"),
        ({"estimator": "knn", "c": 1}, r"unknown field classical\.c"),
        ({"estimator": "svm", "c": []}, r"classical\.c"),
        ({"estimator": "svm", "gamma": [1, 0]}, r"classical\.gamma"),
        ({"estimator": "svm", "gamma": "wide"}, "a number"),
        ({"estimator": "knn", "neighbors": 2.5}, "a whole number"),
        ({"estimator": "random-forest", "trees": 0}, r"classical\.trees"),
        ({"estimator": "gradient-boosting", "learning_rate": 2}, r"classical\.learning_rate"),
        ({"estimator": "svm", "leave_out": "weight"}, r"leave_out: .*groups size, outline"),
        ({"estimator": "svm", "leave_out": list(GROUPS)}, "leave_out"),
        ({"estimator": "svm", "folds": 1}, r"classical\.folds"),
        ({"estimator": "svm", "balance": "equal"}, "none, class, person"),
    ],
)
def test_a_wrong_setting_is_named(tree, says):
    with pytest.raises(RecipeError, match=says):
        from_dict({"name": "x", "classical": tree})


def test_old_names_and_values_of_balance_are_read():
    assert recipe_of(weights="cell") == recipe_of(balance="none")
    assert recipe_of(weights="person") == recipe_of(balance="person")
    assert recipe_of().with_settings({"classical.weights": "cell"}) == recipe_of(balance="none")
    assert from_dict({"name": "x", "network": {"weights": "cell"}}).network.weights == "cell"


def test_the_shipped_recipes_are_the_defaults_written_out():
    for name in ESTIMATORS:
        recipe = read_recipe(name)
        assert recipe.classical == ESTIMATORS[name]()
        chooses = len(recipe.classical.candidates()) > 1
        assert ("training persons" in recipe.summary) == chooses


def test_descriptors_are_measured_in_original_pixels():
    with pytest.raises(RecipeError, match="original pixels"):
        recipe_of().with_settings({"input.size": 200})
