import pytest

from leukoscope.models.network.networks import build
from leukoscope.models.network.param_groups import blocks, head
from leukoscope.models.recipe.recipe import NetworkRecipe

SETTINGS = {"input.size": 32, "network.widths": [4, 6], "network.hidden": 5}


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({"network.architecture": "dense"}, [["1"], ["4"]]),
        ({"network.pooling": "flatten"}, [["0"], ["3"]]),
        ({"network.pooling": "gap", "network.norm": "batch"}, [["0", "1"], ["4", "5"]]),
    ],
    ids=["dense", "flatten", "norm"],
)
def test_a_block_begins_at_each_layer_and_holds_its_norm(
    settings: dict[str, object], layers: list[list[str]]
) -> None:
    network = build(NetworkRecipe("x").with_settings(SETTINGS | settings))
    expected = [
        [f"trunk.{layer}.{kind}" for layer in block for kind in ("weight", "bias")]
        for block in layers
    ]
    assert blocks(network) == expected


def test_the_head_is_all_but_the_trunk() -> None:
    network = build(NetworkRecipe("x").with_settings(SETTINGS))
    inner = ["hidden.2.weight", "hidden.2.bias"]
    assert head(network) == [*inner, "classifier.weight", "classifier.bias"]
    everything = {name for names in blocks(network) for name in names} | set(head(network))
    assert everything == {name for name, _ in network.named_parameters()}
