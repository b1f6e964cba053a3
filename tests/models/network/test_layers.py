import numpy as np
import pytest
import torch
from scipy.ndimage import laplace

from leukoscope.models.network.layers import ACTIVATIONS, Normalize, convolutions
from leukoscope.models.network.settings import Network


def some_cells(n: int = 3, size: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8)


def test_the_fourth_plane_is_the_laplacian_of_the_gray_picture() -> None:
    cells = some_cells()
    planes = Normalize(laplacian=True)(cells).numpy()
    gray = cells.numpy().astype(np.float64).mean(axis=3) / 255
    expected = np.stack([laplace(picture, mode="constant") for picture in gray])
    assert planes.shape == (3, 4, 16, 16)
    np.testing.assert_allclose(planes[:, 3], expected, atol=1e-5)
    np.testing.assert_allclose(planes[:, :3].transpose(0, 2, 3, 1), cells / 255, atol=1e-6)


def test_planes_are_normalized_channel_by_channel() -> None:
    cells = some_cells()
    planes = Normalize((0.1, 0.2, 0.3), (0.5, 0.25, 2.0))(cells).numpy()
    expected = (cells.numpy() / 255.0 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 2.0]
    np.testing.assert_allclose(planes.transpose(0, 2, 3, 1), expected, atol=1e-5)
    assert not Normalize((0.1, 0.2, 0.3)).state_dict()  # facts, not weights


def kinds(**settings: object) -> list[str]:
    return [type(layer).__name__ for layer in convolutions(Network(widths=(8, 12), **settings))]


def test_the_plain_trunk_and_its_variants() -> None:
    plain = ["Conv2d", "ReLU", "MaxPool2d"]
    assert kinds() == plain * 2
    assert kinds(downsampling="average") == ["Conv2d", "ReLU", "AvgPool2d"] * 2
    assert (
        kinds(norm="batch", activation="silu") == ["Conv2d", "BatchNorm2d", "SiLU", "MaxPool2d"] * 2
    )
    assert (
        kinds(norm="group")
        == kinds(norm="layer")
        == ["Conv2d", "GroupNorm", "ReLU", "MaxPool2d"] * 2
    )
    groups = [
        [layer.num_groups for layer in convolutions(Network(widths=(8, 12, 16), norm=norm))[1::4]]
        for norm in ("layer", "group")
    ]
    assert groups == [[1, 1, 1], [8, 1, 8]]  # 12 channels cannot be divided by 8


def test_layer_norm_takes_each_cell_for_itself() -> None:
    trunk = convolutions(Network(widths=(4,), norm="layer"))
    planes = torch.rand(5, 3, 16, 16)
    normed = trunk[1](trunk[0](planes))
    torch.testing.assert_close(normed.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        normed.var(dim=(1, 2, 3), correction=0), torch.ones(5), atol=1e-3, rtol=0
    )


def test_every_activation_that_a_recipe_may_name_is_there() -> None:
    (names,) = [f.type for f in Network.__dataclass_fields__.values() if f.name == "activation"]
    assert set(names.__args__) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_functions_of_one_number(activation: str) -> None:
    values = torch.linspace(-2, 2, 9)
    out = ACTIVATIONS[activation]()(values)
    assert out.shape == values.shape
    assert out[-1] > 0.9
