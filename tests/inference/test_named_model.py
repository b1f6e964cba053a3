"""A model among the arguments is never passed over in favor of the shipped one."""

from pathlib import Path

import pytest

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.named_model import split_model

CELLS = Path("cells")


@pytest.mark.parametrize(
    "name", ["a.onnx", "A.ONNX", "best.pt", "w.pth", "m.h5", "m.keras", "a.pkl"]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_model_is_found_at_any_place(name: str, first: bool) -> None:
    model = Path(name)
    paths = [model, CELLS] if first else [CELLS, model]
    assert split_model(paths, None) == (model, [CELLS])


def test_a_run_stands_for_its_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    expected = (tmp_path / "model.onnx", [CELLS])
    assert split_model([tmp_path, CELLS], None) == expected
    assert split_model([CELLS], tmp_path) == expected


def test_without_a_model_everything_is_an_image(tmp_path: Path) -> None:
    paths = [tmp_path, Path("a.bmp"), Path("a\0b"), Path("x" * 5000)]
    assert split_model(paths, None) == (None, paths)


@pytest.mark.parametrize("option", [None, Path("a.onnx")])
def test_two_models_are_refused(option: Path | None) -> None:
    named = [Path("b.onnx"), CELLS] if option else [Path("a.onnx"), Path("b.onnx"), CELLS]
    with pytest.raises(ModelFileError, match=r"a\.onnx, b\.onnx"):
        split_model(named, option)
