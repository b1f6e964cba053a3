"""The bundled example cells: what they are, and which of them a cell looks like to a model."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from leukoscope.app.predicting import examples as module
from leukoscope.app.predicting.examples import FOLDER, LIST, load_examples
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.imaging.image import decode
from leukoscope.data.synthetic.notice import is_synthetic
from leukoscope.data.synthetic.plan import draw_planned
from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.predictor import Predictor
from tests.inference.tiny_model import write_tiny_model
from tools.make_examples import SEED, planned

pytestmark = pytest.mark.slow(4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx"))


@pytest.fixture
def examples(model):
    return load_examples(model)


def embed(model, images):
    return [p.embedding for p in Predictor(model).predict(images, embeddings=True)]


def test_the_list_is_what_lies_there_and_stays_small(examples):
    names = {example.file for example in examples.listing} | {LIST}
    assert {path.name for path in FOLDER.iterdir()} == names
    assert sum(len(path.read_bytes()) for path in FOLDER.iterdir()) < 800_000
    labels = [example.label for example in examples.listing]
    assert labels.count("ALL") == labels.count("HEM") == 12
    assert "not real" in json.loads((FOLDER / LIST).read_text())["notice"]


def test_every_example_is_a_synthetic_cell_on_black_under_its_name(examples):
    subjects = set()
    for example in examples.listing:
        parsed = parse_name(example.name)
        assert is_synthetic(parsed.subject)
        assert (parsed.label == 1) == (example.label == "ALL")
        subjects.add(parsed.subject)
        with Image.open(io.BytesIO(examples.image(example.name))) as image:
            assert (image.format, image.size, image.mode) == ("PNG", (450, 450), "RGB")
            assert 0.03 < (np.asarray(image).max(axis=2) > 0).mean() < 0.4
    assert len(subjects) == 8


def test_the_command_draws_the_very_same_cells_again(examples):
    plan = planned()
    assert tuple(plan) == examples.listing
    for example in (examples.listing[0], examples.listing[-1]):
        drawn = draw_planned(plan[example], SEED)
        assert np.array_equal(drawn, decode(examples.image(example.name)))


def test_an_unknown_name_is_none_of_the_files(examples):
    for name in ("", LIST, "../examples.py", "S2_1_1_all.png", "/etc/passwd"):
        with pytest.raises(KeyError):
            examples.image(name)


def test_each_example_is_nearest_to_itself_and_the_rest_follow_by_distance(model, examples):
    cells = [examples.image(example.name) for example in examples.listing]
    vectors = np.array(embed(model, cells), dtype=float)
    spread = vectors.std(axis=0)
    standard = (vectors - vectors.mean(axis=0)) / np.maximum(
        spread, module.MIN_SPREAD * spread.max()
    )
    typical = np.sqrt((standard**2).sum(axis=1).mean())
    for example, vector, place in zip(examples.listing, vectors, standard, strict=True):
        found = examples.nearest(vector.astype(np.float32), k=24)
        assert (found[0].name, found[0].label) == (example.name, example.label)
        assert found[0].similarity == pytest.approx(1)
        expected = 1 / (1 + np.linalg.norm(standard - place, axis=1) / typical)
        assert [n.similarity for n in found] == pytest.approx(sorted(expected, reverse=True))
        by_name = {e.name: s for e, s in zip(examples.listing, expected, strict=True)}
        assert [n.similarity for n in found] == pytest.approx([by_name[n.name] for n in found])
    assert len(examples.nearest(vectors[0])) == 4
    assert all(neighbor.synthetic for neighbor in found)


def test_the_shipped_model_tells_examples_apart_and_knows_them_turned():
    model = load(default_model())
    examples = load_examples(model)
    images = [decode(examples.image(example.name)) for example in examples.listing]
    turned = [np.rot90(image).copy() for image in images]
    found = [examples.nearest(vector, k=24) for vector in embed(model, turned)]
    firsts = [neighbors[0].name for neighbors in found]
    known = sum(a == b.name for a, b in zip(firsts, examples.listing, strict=True))
    assert known >= 22
    assert all(neighbors[0].similarity > 0.8 for neighbors in found)
    furthest = [neighbors[-1].similarity for neighbors in found]
    assert max(furthest) < 0.6
    assert {neighbor.label for neighbor in found[0]} == {"ALL", "HEM"}


@pytest.mark.real
def test_real_cells_are_alike_to_different_degrees(cnmc_dir):
    model = load(default_model())
    examples = load_examples(model)
    paths = sorted(cnmc_dir.rglob("*.bmp"))
    found = [examples.nearest(v) for v in embed(model, paths[:: len(paths) // 40])]
    similarities = [neighbors[0].similarity for neighbors in found]
    assert np.ptp(similarities) > 0.1
    assert len({neighbors[0].name for neighbors in found}) > 6


class Counting:
    """A model that counts its runs and may answer with embeddings of its own."""

    def __init__(self, model, embedding=None):
        self.card, self._model, self._embedding, self.runs = model.card, model, embedding, 0

    def run(self, cells, **parts):
        self.runs += 1
        out = self._model.run(cells, **parts)
        return out if self._embedding is None else replace(out, embedding=self._embedding)


def test_examples_are_embedded_once_when_first_asked_whoever_asks(model):
    counting = Counting(model)
    examples = load_examples(counting)
    assert counting.runs == 0
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(examples.nearest, [np.ones(6, np.float32)] * 32))
    assert counting.runs == 1
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("value", [0.0, 2.5, np.nan, np.inf, 3e38])
def test_embeddings_without_any_difference_give_numbers_still(model, value):
    flat = np.full((24, 6), value, np.float32)
    examples = load_examples(Counting(model, flat))
    assert [n.similarity for n in examples.nearest(flat[0])] == [1.0] * 4
    for other in (0.0, 3e38, -3e38):
        found = examples.nearest(np.full(6, other, np.float32))
        assert all(0 <= neighbor.similarity <= 1 for neighbor in found)
