import pytest
import torch

from leukoscope.models.network.cam import NetworkOutput
from leukoscope.models.network.layers import to_planes
from leukoscope.models.network.networks import NETWORKS, build
from leukoscope.models.network.settings import ARCHITECTURES, last_side
from leukoscope.models.recipe.recipe import NetworkRecipe

SIZE = 24
SETTINGS = {"input.size": SIZE, "input.crop": SIZE, "network.widths": [4, 6], "network.hidden": 5}
KINDS = {
    "dense": ({"network.architecture": "dense"}, 6),
    "flatten": ({"network.pooling": "flatten"}, 5),
    "gap": ({"network.pooling": "gap"}, 6),
}


def small(kind: str, **more: object) -> torch.nn.Module:
    torch.manual_seed(0)
    settings, _ = KINDS[kind]
    return build(NetworkRecipe("x").with_settings(SETTINGS | settings | more)).eval()


def some_cells(n: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (n, SIZE, SIZE, 3), dtype=torch.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes(kind: str) -> None:
    answer: NetworkOutput = small(kind)(some_cells())
    assert answer.logit.shape == (3,)
    assert answer.logit.dtype == torch.float32
    assert answer.embedding.shape == (3, KINDS[kind][1])
    if kind == "gap":
        side = last_side((4, 6), SIZE)
        assert answer.heatmap.shape == (3, side, side)
    else:
        assert answer.heatmap is None


def test_mean_of_the_heatmap_and_bias_is_the_logit() -> None:
    network = small("gap")
    answer = network(some_cells(8))
    mapped = answer.heatmap.mean(dim=(1, 2)) + network.classifier.bias
    torch.testing.assert_close(mapped, answer.logit, rtol=1e-5, atol=1e-6)
    assert answer.logit.std() > 1e-4  # so that the identity is about more than the bias


@pytest.mark.parametrize("kind", KINDS)
def test_the_embedding_is_the_last_layers_input(kind: str) -> None:
    network = small(kind)
    answer = network(some_cells())
    again = network.classifier(answer.embedding).squeeze(1)
    torch.testing.assert_close(again, answer.logit)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_depends_on_its_own_cell_alone(kind: str) -> None:
    network, cells = small(kind), some_cells(4)
    alone = torch.cat([network(cell[None]).logit for cell in cells])
    torch.testing.assert_close(alone, network(cells).logit, rtol=1e-4, atol=1e-6)


def test_dropout_acts_in_training_only() -> None:
    network, cells = small("flatten", **{"network.dropout": 0.5}), some_cells()
    assert torch.equal(network(cells).logit, network(cells).logit)
    network.train()
    assert not torch.equal(network(cells).logit, network(cells).logit)


def test_planes_are_scaled_and_keep_their_place() -> None:
    cells = some_cells()
    planes = to_planes(cells)
    assert planes.shape == (3, 3, SIZE, SIZE)
    assert planes[1, 2, 5, 7].item() == pytest.approx(cells[1, 5, 7, 2].item() / 255)
    assert planes.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [16, 17, 22, 23, 64])
def test_last_side_is_what_the_convolutions_leave(size: int) -> None:
    network = small("gap", **{"input.size": size, "input.crop": 64, "network.widths": [2, 2]})
    cells = torch.zeros(1, size, size, 3, dtype=torch.uint8)
    assert network(cells).heatmap.shape[1] == last_side((2, 2), size)


def test_weights_follow_the_seed() -> None:
    first, second = small("gap"), small("gap")
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_every_architecture_of_a_recipe_has_a_network() -> None:
    assert {*ARCHITECTURES, "timm"} == set(NETWORKS)
