"""A server with several models: each case has one of them."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.core.errors import ModelFileError
from leukoscope.core.files import sha256_file
from tests.inference.tiny_model import tiny_card, write_tiny_model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "one.onnx", card=tiny_card(name="one"))
    write_tiny_model(folder / "two.onnx", card=tiny_card(name="two"), seed=3)
    return folder


@pytest.fixture(scope="module")
def client(models: Path) -> Iterator[httpx.Client]:
    settings = Settings(model=models / "one.onnx", models=models, ephemeral=True, workers=1)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client


def image() -> dict[str, tuple[str, bytes]]:
    stream = io.BytesIO()
    cell = Image.new("RGB", (450, 450))
    cell.paste((120, 60, 140), (150, 150, 300, 300))
    cell.save(stream, format="BMP")
    return {"files": ("cell.bmp", stream.getvalue())}


def test_each_case_is_predicted_by_its_own_model(client: httpx.Client, models: Path) -> None:
    one, two = (sha256_file(models / f"{name}.onnx") for name in ("one", "two"))
    listed = client.get("/v1/models").json()
    assert [entry["sha256"] for entry in listed] == [one, two]  # the first once
    found = {}
    for sha256 in (one, two):
        wanted = {"model_sha256": sha256, "keep_images": True}
        case = client.post("/v1/cases", json=wanted).json()
        assert case["model_sha256"] == sha256
        params = {"case": case["id"]}
        (cell,) = client.post("/v1/predict", params=params, files=image()).json()["answers"]
        at = f"/v1/cases/{case['id']}/cells/{cell['cell_id']}/explain"
        assert client.get(at).json()["p_all"] == cell["p_all"]
        alone = client.post("/v1/explain", params={"model": sha256}, files=image()).json()
        assert (alone["p_all"], alone["model"]) == (cell["p_all"], cell["model"])
        found[cell["model"]] = cell["p_all"]
        report = client.get(f"/v1/cases/{case['id']}/export", params={"format": "html"})
        assert "The model card is not available" not in report.text
    assert set(found) == {"one", "two"}
    assert found["one"] != found["two"]
    assert client.post("/v1/predict", files=image()).json()["answers"][0]["model"] == "one"


def test_a_model_that_is_not_there_is_refused(client: httpx.Client) -> None:
    unknown = "ab" * 32
    assert client.post("/v1/cases", json={"model_sha256": unknown}).status_code == 409
    assert client.post("/v1/explain", params={"model": unknown}, files=image()).status_code == 409


def test_a_folder_without_models_is_refused(tmp_path: Path, models: Path) -> None:
    with pytest.raises(ModelFileError, match=r"\.onnx"):
        create_app(Settings(model=models / "one.onnx", models=tmp_path, ephemeral=True))
