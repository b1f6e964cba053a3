from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from leukoscope.models.network import local_features
from leukoscope.models.network.local_features import (
    BagOfLocalFeatures,
    Places,
    area_basis,
    filtered,
    light_and_cell,
    ln_area,
    measures,
)

SIDE = 96
RANDOM = np.random.default_rng(4)


def disc(radius: float, side: int = SIDE, *, grain: int = 25, seed: int = 0) -> np.ndarray:
    """A round cell of random grain on black."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) < radius
    gray = np.random.default_rng(seed).integers(-grain, grain + 1, (side, side, 3))
    return np.where(inside[..., None], np.array([140, 70, 150]) + gray, 0).astype(np.uint8)


def tensor(*cells: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(cells))


def places_of(cells: torch.Tensor) -> Places:
    return filtered(light_and_cell(cells, local_features.WINDOW))


@pytest.fixture
def network() -> BagOfLocalFeatures:
    """With a last layer that says something."""
    made = BagOfLocalFeatures(24, 0.3)
    state = {name: torch.randn_like(value) for name, value in made.state_dict().items()}
    state["frequency"], state["std"] = made.frequency, torch.rand(local_features.MEASURES) + 0.5
    made.load_state_dict(state)
    return made.eval()


def reference(cell: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """The eight filters at each place inside one cell, by another way: SciPy, a place at a time."""
    weights = np.array([1, 4, 6, 4, 1]) / 16

    def smooth(plane: np.ndarray) -> np.ndarray:
        rows = correlate1d(plane, weights, axis=0, mode="constant")
        return correlate1d(rows, weights, axis=1, mode="constant")

    def squares(plane: np.ndarray) -> np.ndarray:
        return plane.reshape(len(plane) // 2, 2, -1, 2).transpose(0, 2, 1, 3)

    mask = squares(cell.max(axis=2) > 0).all(axis=(2, 3)).astype(float)
    light = [squares(cell[..., c]).mean(axis=(2, 3)) for c in range(3)]
    planes = [-np.log(np.maximum(one, 4) / 255) * mask for one in light] + [mask]
    levels = [planes]
    for _ in range(3):
        planes = [smooth(plane) for plane in planes]
        levels.append(planes)
        planes = [plane[::2, ::2] for plane in planes]
    wide = [smooth(plane) for plane in levels[3]]
    found = {}
    for row, column in np.argwhere(levels[3][3] > 0.9):

        def at(level: int, y: float, x: float) -> np.ndarray:
            own = levels[level]
            y, x = (int(np.clip(v, 0, own[0].shape[0] - 1)) for v in (y, x))
            return np.array([own[c][y, x] for c in range(3)]) / max(own[3][y, x], 0.05)

        spot = [
            (number, row * 2 ** (3 - number), column * 2 ** (3 - number)) for number in (1, 2, 3)
        ]
        color = [at(*one) for one in spot]
        last = np.array([wide[c][row, column] for c in range(3)]) / wide[3][row, column]
        gray = [one.mean() for one in (*color, last)]
        edges = [
            np.hypot(
                at(n, y, x + 1).mean() - at(n, y, x - 1).mean(),
                at(n, y + 1, x).mean() - at(n, y - 1, x).mean(),
            )
            / 2
            for n, y, x in spot
        ]
        red, green, blue = color[0]
        said = [red - green, blue - green, *(a - b for a, b in pairwise(gray))]
        said += [np.log(edge + 0.01) for edge in edges]
        standard = (np.array(said) - local_features.FILTER_MEAN) / local_features.FILTER_STD
        found[row, column] = np.clip(standard, -4, 4)
    return found


def test_the_filters_are_those_of_another_way():
    cell = disc(40)
    places, expected = places_of(tensor(cell)), reference(cell)
    inside = {tuple(one) for one in np.argwhere(places.weight[0, 0].numpy() > 0).tolist()}
    assert inside == set(expected)
    assert len(inside) > 20
    for (row, column), value in expected.items():
        np.testing.assert_allclose(places.filters[0, :, row, column], value, atol=2e-3)


def test_the_mean_of_the_map_and_the_bias_are_the_logit(network: BagOfLocalFeatures):
    answer = network(tensor(disc(20), disc(44), disc(30, grain=3)))
    mapped = answer.heatmap.mean(dim=(1, 2)) + network.classifier.bias
    torch.testing.assert_close(mapped, answer.logit, atol=1e-5, rtol=1e-5)
    assert answer.logit.std() > 0.01


def test_the_map_is_0_beside_the_cell(network: BagOfLocalFeatures):
    heatmap = network(tensor(disc(20))).heatmap[0]
    assert (heatmap[0] == 0).all()
    assert (heatmap != 0).sum() == (places_of(tensor(disc(20))).weight > 0).sum()


def test_structure_does_not_know_the_size(network: BagOfLocalFeatures):
    small, large = network.values(tensor(disc(24, grain=0), disc(44, grain=0))).detach()
    torch.testing.assert_close(small[: 2 * 24], large[: 2 * 24], atol=1e-4, rtol=0)
    assert large[-1] - small[-1] == pytest.approx(2 * np.log(44 / 24), abs=0.02)


def test_it_does_not_matter_where_the_cell_lies_nor_which_axis_is_which(
    network: BagOfLocalFeatures,
):
    cell = disc(30)
    moved = np.roll(cell, (local_features.STRIDE, -2 * local_features.STRIDE), axis=(0, 1))
    turned = cell.transpose(1, 0, 2)
    whole, *others = network.values(tensor(cell, moved, np.ascontiguousarray(turned))).detach()
    for other in others:
        torch.testing.assert_close(other, whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "cell", [np.zeros((SIDE, SIDE, 3)), disc(1.2), np.full((SIDE, SIDE, 3), 255)]
)
def test_it_answers_for_what_is_no_cell(cell: np.ndarray, network: BagOfLocalFeatures):
    answer = network(tensor(cell.astype(np.uint8)))
    assert all(bool(torch.isfinite(one).all()) for one in answer)
    if (answer.heatmap == 0).all():
        assert answer.logit == network.classifier.bias


def test_an_answer_does_not_depend_on_the_cells_beside_it(network: BagOfLocalFeatures):
    both = network(tensor(disc(20), disc(40, seed=1))).logit
    alone = network(tensor(disc(20))).logit
    torch.testing.assert_close(both[:1], alone)


def test_the_frequencies_are_always_the_same():
    assert torch.equal(BagOfLocalFeatures(8, 0.3).frequency, BagOfLocalFeatures(8, 0.3).frequency)
    torch.testing.assert_close(
        BagOfLocalFeatures(8, 1.2).frequency, 2 * BagOfLocalFeatures(8, 0.3).frequency
    )


def test_the_features_stand_for_a_gaussian_kernel():
    one, other = RANDOM.normal(size=(2, local_features.FILTERS))
    waves = BagOfLocalFeatures(4096, 0.3).frequency[:, :, 0, 0].double().numpy()
    alike = np.cos(waves @ (one - other)).mean()
    assert alike == pytest.approx(np.exp(-0.3 * np.mean((one - other) ** 2)), abs=0.05)


def test_the_measures_are_mean_deviation_and_area():
    places = places_of(tensor(disc(30)))
    inside = places.weight[0, 0] > 0
    own = places.filters[0][:, inside]
    found = measures(places, ln_area(tensor(disc(30))))[0]
    torch.testing.assert_close(found[:8], own.mean(dim=1))
    torch.testing.assert_close(found[8:16], own.std(dim=1, correction=0))
    assert found[-1] == pytest.approx(np.log((disc(30).max(axis=2) > 0).sum()), abs=0.01)


def test_the_area_is_that_of_the_whole_crop():
    cell = disc(180, side=400)
    assert ln_area(tensor(cell)) == pytest.approx(np.log((cell.max(axis=2) > 0).sum()), abs=0.002)
    assert ln_area(tensor(np.zeros((1, SIDE, SIDE, 3), np.uint8)[0])) == 0


def test_structure_is_that_of_the_middle(network: BagOfLocalFeatures):
    cell = disc(180, side=400)
    middle = np.ascontiguousarray(cell[72:328, 72:328])
    whole, part = network.values(tensor(cell))[0], network.values(tensor(middle))[0]
    torch.testing.assert_close(whole[:-1], part[:-1])
    answer = network(tensor(cell))
    assert answer.heatmap.shape == (1, 50, 50)
    assert (answer.heatmap[0, :9] == 0).all()
    assert (answer.heatmap[0, 12:38, 12:38] != 0).all()
    mapped = answer.heatmap.mean(dim=(1, 2)) + network.classifier.bias
    torch.testing.assert_close(mapped, answer.logit, atol=1e-4, rtol=1e-4)


def test_a_bump_is_highest_at_its_knot():
    found = area_basis(torch.tensor(local_features.KNOTS))
    torch.testing.assert_close(found.diagonal(), torch.ones(len(local_features.KNOTS)).double())
    assert (found <= 1).all()
