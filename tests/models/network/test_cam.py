import numpy as np
import pytest
import torch
from torch import nn

from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.layers import Normalize, convolutions
from leukoscope.models.network.settings import Network

SIZE = 24


def network(head: tuple[int, ...], activation: str = "relu", dropout: float = 0.0) -> CamNetwork:
    settings = Network(widths=(4, 6), head=head, activation=activation, dropout=dropout)
    torch.manual_seed(0)
    built = CamNetwork(settings, Normalize(), convolutions(settings), 6).eval()
    with torch.no_grad():
        for layer in built.layers:  # so that both signs and the biases matter
            layer.bias.copy_(torch.linspace(-0.2, 0.2, len(layer.bias)))
    return built


def some_cells(n: int = 5) -> torch.Tensor:
    return torch.randint(0, 256, (n, SIZE, SIZE, 3), dtype=torch.uint8)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("head", [(), (8,), (8, 5)])
def test_mean_of_the_heatmap_and_bias_is_the_logit(head: tuple[int, ...], activation: str) -> None:
    net = network(head, activation)
    answer: NetworkOutput = net(some_cells())
    mapped = answer.heatmap.mean(dim=(1, 2)) + net.classifier.bias
    torch.testing.assert_close(mapped, answer.logit, rtol=1e-5, atol=1e-6)
    assert answer.heatmap.std() > 1e-4


@pytest.mark.parametrize("head", [(8,), (8, 5)])
def test_a_place_gets_what_its_features_add_to_the_logit(head: tuple[int, ...]) -> None:
    """By autograd: features times the gradient there; the rest is the same at every place."""
    net = network(head)
    features = net.trunk(net.planes(some_cells())).detach().requires_grad_()
    net.trunk, net.planes = nn.Identity(), nn.Identity()
    answer = net(features)
    (gradient,) = torch.autograd.grad(answer.logit.sum(), features)
    places = features[0, 0].numel()
    added = (features * gradient).sum(dim=1).detach() * places
    rest = (answer.heatmap - added).detach().flatten(1)
    torch.testing.assert_close(rest, rest[:, :1].expand_as(rest), rtol=1e-4, atol=1e-6)


def test_no_exact_map_through_a_curved_activation() -> None:
    assert network((8,), "gelu")(some_cells()).heatmap is None
    assert network((), "gelu")(some_cells()).heatmap is not None


def test_the_embedding_is_the_mean_of_the_features() -> None:
    net = network((8,))
    cells = some_cells()
    features = net.trunk(net.planes(cells)).detach().numpy()
    np.testing.assert_allclose(
        net(cells).embedding.detach(), features.mean(axis=(2, 3)), rtol=1e-5, atol=1e-6
    )


def test_dropout_is_in_every_layer_of_the_head_and_in_training_only() -> None:
    net, cells = network((8,), dropout=0.9), some_cells()
    assert torch.equal(net(cells).logit, net(cells).logit)
    net.train()
    assert not torch.equal(net(cells).logit, net(cells).logit)
    assert torch.equal(net(cells).embedding, net(cells).embedding)
