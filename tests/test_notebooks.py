"""The notebooks: stored without outputs, they run on synthetic cells and find the real ones."""

import json
import sys
from itertools import islice
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.root import ROOT
from tools.notebooks import clear, execute, notebooks, to_markdown

PATHS = notebooks()
SYNTHETIC = 'DATA = "synthetic"'
# The fewest cells with copies among them, for the pictures of pairs; and one candidate to train.
SMALLER = {
    "persons=30, cells=6": "persons=12, cells=5",
    "RECIPE, split=": "RECIPE, settings={'classical.c': 0.1}, split=",
}


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


def test_what_makes_the_notebooks_smaller_is_in_them() -> None:
    whole = "".join(line for path in PATHS for line in code(path))
    assert all(text in whole for text in SMALLER)


@pytest.mark.slow(15)  # a kernel, a training
def test_the_notebooks_run_and_show_figures(tmp_path: Path) -> None:
    """One after the other in one kernel, whose imports take longer than what they do.

    Each begins without the names of the one before; that it uses none of them, the linter says.
    """
    import nbformat

    books = [nbformat.read(path, as_version=4) for path in PATHS]
    together = nbformat.v4.new_notebook(metadata=books[0].metadata)
    for book in books:
        together.cells += [nbformat.v4.new_code_cell("%reset -f"), *book.cells]
    nbformat.write(together, tmp_path / "all.ipynb")
    cells = iter(execute(tmp_path / "all.ipynb", tmp_path, SMALLER).cells)
    for path, book, figures in zip(PATHS, books, (5, 2, 2), strict=True):
        book.cells = list(islice(cells, 1 + len(book.cells)))
        text, pictures = to_markdown(book, path.stem)
        assert len(pictures) >= figures, path.name
        assert all(name in text for name in pictures)


def test_every_notebook_is_in_the_documentation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert all(f"notebooks/{path.stem}.md" in nav for path in PATHS)
