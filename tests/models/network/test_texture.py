import numpy as np
import pytest
import torch

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.early_layers import CHANNELS
from leukoscope.models.network.local_features import light_and_cell
from leukoscope.models.network.texture import (
    EARLY_WINDOW,
    POOLED,
    TextureNetwork,
    orthogonal_frequencies,
)
from tests.models.network.cells import grainy, odd_cells

SIDE = 160
CELLS = torch.from_numpy(odd_cells(SIDE))


@pytest.fixture(scope="module")
def network() -> TextureNetwork:
    """With last layers that say something."""
    made = TextureNetwork(SIDE, 96, 0.3, 16, 0.3)
    generator = torch.Generator().manual_seed(3)

    def drawn(name: str) -> torch.Tensor:
        return torch.randn(made.get_buffer(name).shape, generator=generator)

    made.cosine.copy_(drawn("cosine"))
    made.sine.copy_(drawn("sine"))
    made.pooled_mean.copy_(drawn("pooled_mean"))
    made.pooled_std.copy_(drawn("pooled_std").abs() + 0.5)
    made.local.size_coef.copy_(torch.randn(10, generator=generator))
    made.local.amplitude.copy_(torch.rand(made.local.amplitude.shape, generator=generator))
    made.local.phase.copy_(torch.randn(made.local.phase.shape, generator=generator))
    torch.nn.init.constant_(made.classifier.bias, 0.7)
    return made.eval()


@torch.inference_mode()
def test_the_mean_of_the_map_and_the_bias_are_the_logit(network: TextureNetwork) -> None:
    for cell in CELLS:
        answer = network(cell[None])
        mapped = answer.heatmap.mean(dim=(1, 2)) + network.classifier.bias
        torch.testing.assert_close(mapped, answer.logit, atol=1e-4, rtol=1e-4)
    assert network(CELLS[:3]).logit.std() > 0.05


@torch.inference_mode()
def test_the_map_is_0_far_from_the_cell(network: TextureNetwork) -> None:
    heatmap = network(CELLS[:1]).heatmap[0]
    assert (heatmap[:4] == 0).all()
    assert (heatmap[:, -4:] == 0).all()
    assert (heatmap[8:12, 8:12] != 0).all()


def test_the_slope_is_the_integral_of_the_gradient(network: TextureNetwork) -> None:
    x = torch.randn(1, POOLED, generator=torch.Generator().manual_seed(5)) / 4
    total, steps = torch.zeros_like(x), 2000
    for step in range(steps):
        at = (x * (step + 0.5) / steps).requires_grad_()
        angle = at @ network.frequency.T
        value = (torch.cos(angle) - 1) @ network.cosine + torch.sin(angle) @ network.sine
        total += torch.autograd.grad(value.sum(), at)[0] / steps
    slope = network._slope(x, x @ network.frequency.T) * network.pooled_std
    torch.testing.assert_close(slope, total, atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_the_early_layers_see_the_middle_alone() -> None:
    whole = torch.from_numpy(grainy(150, 320))[None]
    network = TextureNetwork(320, 8, 0.3, 8, 0.3)
    middle = whole[:, 64:256, 64:256].contiguous()
    assert middle.shape[1] == EARLY_WINDOW
    torch.testing.assert_close(
        network.values(whole)[:, :POOLED], network.values(middle)[:, :POOLED]
    )


@torch.inference_mode()
def test_the_statistics_are_those_of_numpy(network: TextureNetwork) -> None:
    full = np.random.default_rng(2).integers(60, 220, (1, SIDE, SIDE, 3), dtype=np.uint8)
    pooled = network._pooled(light_and_cell(torch.from_numpy(full), SIDE))
    means, deviations, correlations = np.split(pooled.values()[0].numpy(), [CHANNELS, 2 * CHANNELS])
    channels = [part[0].flatten(1).numpy() for part in pooled.maps]
    np.testing.assert_allclose(means, [row.mean() for part in channels for row in part], atol=1e-5)
    expected = [row.std() for part in channels for row in part]
    np.testing.assert_allclose(deviations, expected, rtol=1e-3, atol=1e-3)
    matrix = np.corrcoef(channels[0])
    np.testing.assert_allclose(correlations, matrix[np.triu_indices(len(matrix), 1)], atol=0.01)


def test_frequencies_are_orthogonal_and_those_of_the_kernel() -> None:
    frequency = orthogonal_frequencies(3000, 10, 0.5)
    block = frequency[:10] @ frequency[:10].T
    np.testing.assert_allclose(block, np.diag(np.diag(block)), atol=1e-9)
    x, y = np.random.default_rng(1).normal(size=(2, 10))
    kernel = np.exp(-0.5 * ((x - y) ** 2).mean())
    assert np.cos(frequency @ (x - y)).mean() == pytest.approx(kernel, abs=0.02)


def test_a_side_that_the_window_cannot_align_is_refused() -> None:
    with pytest.raises(RecipeError, match="16"):
        TextureNetwork(100, 8, 0.3, 8, 0.3)
