"""The predictor on good, bad and strange images: order, invariance, bounded memory."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import leukoscope as ls
from leukoscope.core.errors import ModelFileError
from leukoscope.core.statistics import sigmoid
from leukoscope.core.verdicts import ANSWERS, Verdict
from leukoscope.data.imaging.image import Crop, fixed_scale_crop, read_cell
from leukoscope.inference import predictor as predictor_module
from leukoscope.inference import reading
from leukoscope.inference.model_file.model_file import ModelFile
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.reading import ReadImage, read_image
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.results import Prediction, as_row
from leukoscope.inference.sources import Source, expand
from tests.inference.bad_images import BROKEN, UNUSUAL, chained_tiff, encode
from tests.inference.tiny_model import CROP, SIZE, cell_image, tiny_card


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("cells")
    paths = []
    for seed in range(11):
        path = folder / f"UID_{seed}_1_1_all.bmp"
        Image.fromarray(cell_image(seed)).save(path)
        paths.append(path)
    return paths


@pytest.fixture
def predictor(model: ModelFile) -> Predictor:
    return Predictor(model, threads=2, batch_size=3)


def logits(predictions: Iterator[Prediction]) -> np.ndarray:
    return np.array([prediction.logit for prediction in predictions], dtype=float)


def test_predictions_are_the_models_own(
    predictor: Predictor, model: ModelFile, cells: list[Path]
) -> None:
    batch = np.stack([read_cell(path, Crop(CROP, SIZE)) for path in cells])
    expected = model.run(batch).logit
    found = list(predictor.stream(cells))
    assert [p.name for p in found] == [str(path) for path in cells]
    np.testing.assert_allclose([p.logit for p in found], expected, atol=1e-5)
    probabilities = 1 / (1 + np.exp(-expected.astype(float) / tiny_card().temperature))
    np.testing.assert_allclose([p.p_all for p in found], probabilities, rtol=1e-5)
    assert len({p.p_all for p in found}) > 5
    for p in found:
        assert p.verdict is (Verdict.BLAST if p.p_all >= 0.4 else Verdict.NORMAL)
        assert (p.heatmap, p.embedding, p.flags, p.reason) == (None, None, (), "")


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_threads_and_batch_size_change_nothing(
    model: ModelFile, cells: list[Path], threads: int, batch_size: int
) -> None:
    reference = logits(Predictor(model, threads=1, batch_size=1).stream(cells))
    other = Predictor(model, threads=threads, batch_size=batch_size)
    np.testing.assert_allclose(logits(other.stream(cells)), reference, atol=1e-5)


def test_path_text_bytes_and_array_are_the_same(predictor: Predictor, cells: list[Path]) -> None:
    path = cells[0]
    sources = [path, str(path), path.read_bytes(), cell_image(0), Source(path)]
    found = list(predictor.stream(sources))
    assert len({round(p.p_all or 0, 6) for p in found}) == 1
    assert [p.name for p in found] == [str(path), str(path), "", "", str(path)]


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_frame_around_the_same_cell_changes_nothing(
    predictor: Predictor, seed: int
) -> None:
    small, large = predictor.stream([cell_image(seed, 450), cell_image(seed, 600)])
    assert small.p_all is not None
    assert small.p_all == pytest.approx(large.p_all, abs=1e-6)


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 1), (5, 2), (6, 3)])
def test_half_of_the_threads_read_at_a_time(
    model: ModelFile,
    cells: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
    most: int,
) -> None:
    lock, now, seen = threading.Lock(), 0, 0

    def counted(*args: Any) -> ReadImage:
        nonlocal now, seen
        with lock:
            now += 1
            seen = max(seen, now)
        result = read_image(*args)
        with lock:
            now -= 1
        return result

    monkeypatch.setattr(predictor_module, "read_image", counted)
    monkeypatch.setattr(predictor_module, "LONGEST_WAIT", 60)
    predictor = Predictor(model, threads=threads, batch_size=1)
    assert len(logits(predictor.stream(cells * 5))) == 5 * len(cells)
    assert 1 <= seen <= most


def test_where_reading_takes_long_all_threads_read(
    model: ModelFile, cells: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = threading.Barrier(4, timeout=60)  # passes only when four read at the same time

    def met(*args: Any) -> ReadImage:
        everyone.wait()
        return read_image(*args)

    monkeypatch.setattr(predictor_module, "read_image", met)
    predictor = Predictor(model, threads=4, batch_size=1)
    assert len(logits(predictor.stream(cells[:8]))) == 8


def test_an_image_larger_than_the_free_memory_is_one_row(
    predictor: Predictor, cells: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(reading, "without_noise", full)
    assert [p.verdict for p in predictor.stream(cells)] == [Verdict.ERROR] * len(cells)


def test_heatmaps_and_embeddings_on_demand(
    predictor: Predictor, model: ModelFile, cells: list[Path]
) -> None:
    sources = [cells[0], b"broken", cells[1]]
    first, broken, second = predictor.stream(sources, heatmaps=True, embeddings=True)
    assert broken.heatmap is None
    assert broken.embedding is None
    for p in (first, second):
        assert p.heatmap is not None
        assert p.embedding is not None
        assert p.heatmap.ndim == 2
        assert p.heatmap.mean() + model.card.cam_bias == pytest.approx(p.logit, abs=1e-4)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_a_row_and_the_rest_goes_on(
    name: str, predictor: Predictor, cells: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name]())
    alone = logits(predictor.stream(cells))
    for source in (path, path.read_bytes()):
        found = list(predictor.stream([*cells[:4], source, *cells[4:]]))
        bad = found.pop(4)
        assert (bad.verdict, bad.p_all, bad.logit) == (Verdict.ERROR, None, None)
        assert len(bad.reason) > 10
        assert "\n" not in bad.reason
        np.testing.assert_allclose(logits(iter(found)), alone, atol=1e-5)


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_image_is_answered(
    name: str, predictor: Predictor, cells: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(UNUSUAL[name]())
    first, odd, last = predictor.stream([cells[0], path, cells[1]])
    assert {first.verdict, last.verdict} <= ANSWERS
    # One white pixel is no cell; the rest are cells.
    assert odd.verdict in ({Verdict.NOT_A_CELL} if name == "one pixel.bmp" else ANSWERS)


def test_the_pages_of_a_tiff_are_not_walked(predictor: Predictor) -> None:
    # A hostile file has millions. Walking to the end would find the damage there first.
    (found,) = predictor.stream([chained_tiff(5)])
    assert "several images" in found.reason


def test_training_and_prediction_see_one_cell_without_compression_noise(
    predictor: Predictor, tmp_path: Path
) -> None:
    content = encode(cell_image(), "JPEG", quality=90)
    (tmp_path / "a.jpg").write_bytes(content)
    noisy = np.asarray(Image.open(tmp_path / "a.jpg"))
    trained_on = read_cell(tmp_path / "a.jpg", predictor.card.input)
    for source in (tmp_path / "a.jpg", content, noisy):
        cell = read_image(source, predictor.card).cell
        assert cell is not None
        assert np.array_equal(cell, trained_on)
    assert np.count_nonzero(trained_on) < np.count_nonzero(
        fixed_scale_crop(noisy, predictor.card.input)
    )


def test_alpha_on_a_cell_changes_nothing(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "alpha.png").write_bytes(UNUSUAL["alpha.png"]())
    plain, alpha = predictor.stream([cell_image(), tmp_path / "alpha.png"])
    assert plain.p_all == pytest.approx(alpha.p_all)


def test_a_folder_of_everything_keeps_its_order(
    predictor: Predictor, cells: list[Path], tmp_path: Path
) -> None:
    good = cells[0].read_bytes()
    for name, make in {**BROKEN, **UNUSUAL}.items():
        (tmp_path / name).write_bytes(make())
    (tmp_path / "folder.bmp").mkdir()
    (tmp_path / "broken\nline.bmp").write_bytes(b"BM")
    for name in ("ünïcödé 細胞.bmp", "new\nline.bmp", "a/same.bmp", "b/same.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(good)
    (tmp_path / "dangling.bmp").symlink_to(tmp_path / "nowhere")
    sources = [*expand([tmp_path]), tmp_path / "folder.bmp", tmp_path / "missing.bmp", tmp_path]
    found = list(predictor.stream(sources))
    names = [str(s.path if isinstance(s, Source) else s) for s in sources]
    assert [p.name for p in found] == names
    by_name = {p.name: p for p in found}
    assert all(
        by_name[str(tmp_path / name)].verdict is Verdict.ERROR
        for name in BROKEN
        if name[-3:] != "gif"
    )
    assert not [p for p in found if "\n" in p.reason]
    same = [p.p_all for p in found if Path(p.name).name == "same.bmp"]
    assert len(same) == 2
    assert same[0] == same[1] == by_name[str(tmp_path / "ünïcödé 細胞.bmp")].p_all
    for name in ("folder.bmp", "missing.bmp", "dangling.bmp", ""):
        bad = by_name[str(tmp_path / name)]
        assert bad.verdict is Verdict.ERROR
        assert bad.reason


def test_an_unreadable_file_is_a_row(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "secret.bmp"
    path.write_bytes(encode(cell_image()))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    (found,) = predictor.stream([path])
    assert found.verdict is Verdict.ERROR
    assert "ermission" in found.reason


def test_names_that_are_no_text_and_sources_that_are_no_image(predictor: Predictor) -> None:
    sources = [
        "nul\0byte.bmp",
        "x" * 5000,
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        b"",
        None,
        Source(Path("folder"), "a folder without images"),
    ]
    found = list(predictor.stream(sources))  # type: ignore[arg-type]
    assert [p.verdict for p in found] == [Verdict.ERROR] * len(sources)
    assert all(p.reason and "\n" not in p.reason for p in found)
    assert found[-1].reason == "a folder without images"


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300), start=st.sampled_from([*BROKEN, *UNUSUAL, "none"]))
def test_random_bytes_never_stop_the_stream(content: bytes, start: str, model: ModelFile) -> None:
    make = {**BROKEN, **UNUSUAL}.get(start)
    head = make()[:60] if make else b""
    first, last = Predictor(model, threads=1).stream([head + content, cell_image()])
    assert last.verdict in ANSWERS
    assert (first.p_all is None) == bool(first.reason)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), name=st.sampled_from([*UNUSUAL]))
def test_flipped_bytes_never_stop_the_stream(
    data: st.DataObject, name: str, model: ModelFile
) -> None:
    content = bytearray(UNUSUAL[name]())
    for _ in range(3):
        content[data.draw(st.integers(0, min(len(content), 400) - 1))] = data.draw(
            st.integers(0, 255)
        )
    first, last = Predictor(model, threads=1).stream([bytes(content), cell_image()])
    assert last.verdict in ANSWERS
    assert "\n" not in first.reason


def test_an_empty_image_is_not_a_cell_and_has_no_probability(predictor: Predictor) -> None:
    black = np.zeros((450, 450, 3), np.uint8)
    field = np.full((450, 450, 3), 200, np.uint8)
    empty, whole = predictor.stream([black, field])
    assert (empty.verdict, empty.p_all, empty.flags) == (Verdict.NOT_A_CELL, None, (Flag.EMPTY,))
    assert empty.reason
    assert whole.flags == (Flag.NO_BORDER,)
    assert whole.verdict in ANSWERS


def test_a_stream_is_taken_as_needed(model: ModelFile) -> None:
    taken = 0
    image = cell_image()

    def endless() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield image

    predictor = Predictor(model, threads=2, batch_size=4)
    stream = predictor.stream(endless())
    assert taken == 0
    for count in range(1, 30):
        next(stream)
        assert taken <= count + (predictor.threads + 1) * predictor.batch_size
    stream.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("leukoscope-predict")]


def test_no_sources_give_no_predictions(predictor: Predictor) -> None:
    assert list(predictor.stream([])) == []


def test_an_error_of_the_callers_stream_reaches_the_caller(predictor: Predictor) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield cell_image()
        raise KeyError("the caller's own")

    with pytest.raises(KeyError, match="the caller's own"):
        list(predictor.stream(failing()))


def test_wrong_settings_and_models_are_refused(model: ModelFile, tmp_path: Path) -> None:
    for wrong in ({"threads": 0}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            Predictor(model, **wrong)
    with pytest.raises(ModelFileError):
        Predictor(tmp_path / "none.onnx")


@given(st.floats(allow_nan=False))
def test_sigmoid_is_a_probability_and_symmetric(value: float) -> None:
    assert 0 <= sigmoid(value) <= 1
    assert sigmoid(value) + sigmoid(-value) == pytest.approx(1)


def test_predicting_imports_nothing_heavy(model_path: Path, cells: list[Path]) -> None:
    code = (
        "import sys; from leukoscope.inference import predictor, results, sources\n"
        "early = 'onnxruntime' in sys.modules\n"
        "[p] = predictor.Predictor(sys.argv[1]).stream([sys.argv[2]])\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'cv2', 'pandas', 'onnx', 'scipy'}\n"
        "print(p.verdict, early, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(model_path), str(cells[0])],
        capture_output=True,
        text=True,
        check=True,
    )
    verdict, early, heavy = done.stdout.strip().split(maxsplit=2)
    assert verdict in {"blast", "normal"}
    assert early == "False"
    assert heavy == "[]"
    assert done.stderr == ""


@pytest.mark.real
def test_real_cells_are_whole_and_on_black(model: ModelFile, cnmc_dir: Path) -> None:
    sources = expand([cnmc_dir])[::50]
    found = list(Predictor(model).stream(sources))
    assert len(found) > 100
    assert {p.verdict for p in found} <= ANSWERS
    # The crop of the tiny model is smaller than the largest cells.
    assert {flag for p in found for flag in p.flags} <= {Flag.BEYOND_CROP.value}


def test_the_subject_of_a_table_goes_before_that_of_the_name(
    model: ModelFile, tmp_path: Path
) -> None:
    paths = [tmp_path / "UID_7_1_1_all.png", tmp_path / "b.png", tmp_path / "UID_9_1_1_all.png"]
    for number, path in enumerate(paths):
        Image.fromarray(cell_image(number)).save(path)
    table = tmp_path / "cells.csv"
    table.write_text(
        "path,subject\n"
        + "".join(f"{p},{s}\n" for p, s in zip(paths, ("K1", "K1", ""), strict=True))
    )
    predictor = Predictor(model)
    for images in (table, ls.read_cohort(table), pd.read_csv(table, dtype=str).fillna("")):
        predictions = predictor.predict(images)
        assert [one.subject for one in predictions.subjects] == ["9", "K1"]
        assert [as_row(one, "tiny")["subject"] for one in predictions] == ["K1", "K1", "9"]
