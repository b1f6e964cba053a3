"""The notebooks: they are stored without outputs and find the real cells. `make docs` runs them."""

import base64
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import nbformat
import pytest

from tests.root import ROOT
from tools.notebooks import clear, notebooks, to_markdown

PATHS = notebooks()
SYNTHETIC = 'DATA = "synthetic"'
PNG = b"\x89PNG"


def code(path: Path) -> list[str]:
    """The code cells of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def find_data(data: str, root: Path) -> Path:
    """The folder that the notebooks take for `DATA`, with the file system below `root`."""
    choice, setup = code(PATHS[0])[:2]
    setup = setup.replace("%pip", "pass; ''  #").replace('"/kaggle', f'"{root}/kaggle')
    setup = setup.replace('"/content/drive/MyDrive', f'"{root}/content/drive/MyDrive')
    namespace: dict[str, Any] = {}
    exec(choice.replace('"synthetic"', repr(data)), namespace)
    exec(setup, namespace)
    return namespace["data"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert not clear(copy)


def test_the_notebooks_begin_alike() -> None:
    assert len(PATHS) == 3
    assert len({tuple(code(path)[:2]) for path in PATHS}) == 1
    assert code(PATHS[0])[0].startswith(SYNTHETIC)


@pytest.mark.parametrize(
    "place",
    [
        "kaggle/input/leukemia-classification/C-NMC_Leukemia/training_data",
        "kaggle/input/datasets/somebody/leukemia-classification/C-NMC_Leukemia/training_data",
        "content/drive/MyDrive/leukemia-classification/C-NMC_Leukemia/training_data",
        "content/drive/MyDrive/C-NMC_Leukemia/training_data",
        "data/cnmc/C-NMC_Leukemia/training_data",
        "data/C-NMC_training_data",
    ],
)
def test_c_nmc_is_found(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / place / "fold_0" / "all").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_data("C-NMC", tmp_path).resolve() == (tmp_path / place).resolve()


def test_the_drive_is_mounted_on_colab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted: list[str] = []
    colab = ModuleType("google.colab")
    colab.drive = SimpleNamespace(mount=mounted.append)  # type: ignore[attr-defined]
    google = ModuleType("google")
    google.colab = colab  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.chdir(tmp_path)
    assert find_data("my-cells", tmp_path) == Path("my-cells")
    assert mounted == []
    with pytest.raises(FileNotFoundError, match="set DATA to its folder"):
        find_data("C-NMC", tmp_path)
    assert mounted == ["/content/drive"]


def test_an_executed_notebook_becomes_a_page_with_its_pictures() -> None:
    """With an output set here: `make docs` executes the notebooks, which takes a kernel."""
    book = nbformat.read(PATHS[0], as_version=4)
    picture = {"image/png": base64.b64encode(PNG).decode()}
    cell = next(cell for cell in book.cells if cell["cell_type"] == "code")
    cell["outputs"] = [nbformat.v4.new_output("display_data", picture)]
    text, pictures = to_markdown(book, "name")
    assert list(pictures.values()) == [PNG]
    assert all(f"]({name})" in text for name in pictures)
    assert cell["source"] in text


def test_every_notebook_is_in_the_documentation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert all(f"notebooks/{path.stem}.md" in nav for path in PATHS)
