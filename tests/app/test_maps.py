"""A model without a map of its own gets an occlusion map from explain, and from explain alone."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.data.imaging.image import fixed_scale_crop
from leukoscope.inference.model_file.model_file import load
from leukoscope.inference.occlusion import occlusion_map
from tests.app.live import PATIENCE, in_thread
from tests.inference.bad_images import encode
from tests.inference.planted import write_planted
from tests.inference.tiny_model import cell_image, write_tiny_model

GOOD = encode(cell_image(9), "PNG")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted") / "planted.onnx")


@pytest.fixture(scope="module")
def client(planted: Path) -> Iterator[httpx.Client]:
    app = create_app(Settings(model=planted, ephemeral=True, workers=2))
    with (
        in_thread(app) as url,
        httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


def test_explain_makes_an_occlusion_map(client: httpx.Client, planted: Path) -> None:
    answer = client.post("/v1/explain", files={"f": GOOD}).json()
    assert answer["heatmap_kind"] == "occlusion"
    model = load(planted)
    wanted = occlusion_map(model, fixed_scale_crop(cell_image(9), model.card.input))
    assert np.array(answer["heatmap"]) == pytest.approx(wanted, abs=1e-5)
    assert np.abs(wanted).max() > 1


def test_predict_makes_none(client: httpx.Client) -> None:
    asked = client.post("/v1/predict?include=heatmap", files={"f": GOOD}).json()
    assert asked["answers"][0]["heatmap"] is asked["answers"][0]["heatmap_kind"] is None
    refused = client.post("/v1/predict?include=occlusion", files={"f": GOOD})
    assert refused.status_code == 422


def test_a_kept_cell_is_explained_by_the_same_map(client: httpx.Client) -> None:
    case = client.post("/v1/cases", json={"name": "kept", "keep_images": True}).json()["id"]
    (answer,) = client.post(f"/v1/predict?case={case}", files={"f": GOOD}).json()["answers"]
    kept = client.get(f"/v1/cases/{case}/cells/{answer['cell_id']}/explain").json()
    alone = client.post("/v1/explain", files={"f": GOOD}).json()
    assert kept["heatmap"] == alone["heatmap"]
    assert kept["heatmap_kind"] == "occlusion"


@pytest.mark.parametrize("bad", [b"BM", encode(cell_image() * 0, "PNG")])
def test_what_has_no_answer_has_no_map(client: httpx.Client, bad: bytes) -> None:
    answer = client.post("/v1/explain", files={"f": bad}).json()
    assert (answer["p_all"], answer["heatmap"], answer["heatmap_kind"]) == (None, None, None)


def test_a_model_with_an_exact_map_shows_that(tmp_path: Path) -> None:
    app = create_app(Settings(model=write_tiny_model(tmp_path / "tiny.onnx"), ephemeral=True))
    with in_thread(app) as url:
        answer = httpx.post(
            f"{url}/v1/explain", files={"f": GOOD}, timeout=PATIENCE, trust_env=False
        ).json()
    assert answer["heatmap_kind"] == "exact"
    assert len(answer["heatmap"]) == 16
