"""Names of earlier versions, and keys that keep them."""

from leukoscope.core.renamed import (
    FIRST,
    RENAMED,
    current_name,
    current_names,
    first_name,
    first_names,
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
    assert len(FIRST) == len(RENAMED)
