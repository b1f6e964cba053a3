"""Names of earlier versions, and keys that keep them."""

from leukoscope.core.renamed import (
    TO_CURRENT,
    TO_FIRST,
    current_name,
    current_names,
    current_value,
    first_name,
    first_names,
    first_value,
)

OLD = {"optimiser": {"learning_rate": 1e-3}, "names": ["off_centre"], "stages": [{"colour": "red"}]}
NEW = {"optimizer": {"learning_rate": 1e-3}, "names": ["off_center"], "stages": [{"color": "red"}]}


def test_old_names_are_read_as_todays() -> None:
    assert current_names(OLD) == NEW
    assert current_name("optimiser.learning_rate") == "optimizer.learning_rate"
    assert current_names(NEW) == NEW


def test_keys_are_made_of_the_first_names() -> None:
    assert first_names(NEW) == OLD
    assert first_name("optimizer.learning_rate") == "optimiser.learning_rate"
    assert TO_FIRST.inverse() == TO_CURRENT


def test_some_names_and_values_change_in_one_group_only() -> None:
    old = {"network": {"weights": "cell", "halving": "max"}, "classical": {"weights": "cell"}}
    new = {"network": {"weights": "cell", "downsampling": "max"}, "classical": {"balance": "none"}}
    assert current_names(old) == current_names(new) == new
    assert first_names(new) == first_names(old) == old
    space = {"classical.weights": ["cell", "person"], "network.weights": ["none", "cell"]}
    current = {"classical.balance": ["none", "person"], "network.weights": ["none", "cell"]}
    assert current_names([space]) == [current]
    assert first_names([current]) == [space]
    assert current_name("classical.weights") == "classical.balance"
    assert first_name("classical.balance") == "classical.weights"
    assert current_value("classical.balance", "cell") == "none"
    assert first_value("classical.balance", ("none", "class")) == ["cell", "class"]
    assert current_value("network.weights", "none") == "none"
