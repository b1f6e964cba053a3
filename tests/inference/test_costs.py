"""What a prediction costs, in counts that no other program on the machine changes."""

import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from leukoscope.data.readers.layout import read_cohort
from leukoscope.inference.model_file.model_file import ModelFile
from leukoscope.inference.predictor import Predictor

CELLS, SIDE = 12, 450
PIXELS = SIDE * SIDE * 3


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Cells of one shade on black, in the form of C-NMC."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    inside = (np.hypot(rows, columns) < 100)[..., None]
    (tmp_path / "all").mkdir()
    for number in range(CELLS):
        image = np.uint8(inside * np.uint8([120, 60 + number, 150]))
        Image.fromarray(image).save(tmp_path / "all" / f"{number}.bmp")
    return tmp_path


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often images are decoded, files read and the network run."""
    counted: Counter[str] = Counter()
    load, read, run = ImageFile.ImageFile.load, Path.read_bytes, ModelFile.run

    def counted_load(image: ImageFile.ImageFile) -> object:
        counted["decoded"] += bool(image.tile)  # empty once the pixels are read
        return load(image)

    def counted_read(path: Path) -> bytes:
        content = read(path)
        if path.suffix == ".bmp":
            counted["read"] += 1
            counted["bytes"] += len(content)
        return content

    def counted_run(model: ModelFile, cells: np.ndarray, **options: object) -> object:
        counted["runs"] += 1
        counted["predicted"] += len(cells)
        return run(model, cells, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted_load)
    monkeypatch.setattr(Path, "read_bytes", counted_read)
    monkeypatch.setattr(ModelFile, "run", counted_run)
    return counted


def test_predict_reads_and_decodes_each_image_once(cells: Path, counts: Counter[str]) -> None:
    predictor = Predictor(threads=2, batch_size=8)
    predictor.predict(cells)
    size = sum(path.stat().st_size for path in cells.rglob("*.bmp"))
    assert counts["decoded"] == counts["read"] == counts["predicted"] == CELLS
    assert counts["bytes"] == size
    assert counts["runs"] == 2  # of 8 and 4 images


def test_memory_of_predict_does_not_grow_with_the_images(cells: Path) -> None:
    predictor = Predictor(threads=1, batch_size=4)
    paths = sorted(cells.rglob("*.bmp"))

    def peak(images: list[Path]) -> int:
        tracemalloc.start()
        for _ in predictor.stream(images):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(paths[:4])  # imports
    few, many = peak(paths[:8]), peak(paths)
    assert many < few + PIXELS
    # The crops of a batch, and of one image its bytes, its pixels and what its checks make.
    assert many < 16 * PIXELS


def test_predict_imports_only_what_it_needs(cells: Path) -> None:
    code = f"import sys, leukoscope.cli.main as cli\ntry: cli.main(['predict', {str(cells)!r}])"
    code += "\nexcept SystemExit: print('', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    imported = set(done.stdout.splitlines()[-1].split())
    assert {"onnxruntime", "PIL.BmpImagePlugin"} <= imported
    slow = {"asyncio", "cv2", "fastapi", "http.client", "numpy.ma", "pydantic", "sqlite3", "torch"}
    slow |= {"importlib.metadata", "leukoscope.data.synthetic.cell", "ssl", "urllib.request"}
    assert not slow & imported


def test_audit_reads_and_decodes_each_image_once(cells: Path, counts: Counter[str]) -> None:
    from leukoscope.data.audit.audit import SAMPLE, audit

    cohort = read_cohort(cells)
    counts.clear()
    audit(cohort, jobs=1)
    # The sample from which the scale of the cells comes is read once more.
    assert counts["decoded"] == counts["read"] == CELLS + min(SAMPLE, CELLS)
