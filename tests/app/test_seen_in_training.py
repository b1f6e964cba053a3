"""REST answers, streams and cases count the images that the model was trained on."""

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from tests.app.live import in_thread
from tests.inference.test_seen_in_training import NEW, SEEN, model, png


def bmp(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.rot90(image)).save(stream, "BMP")
    return stream.getvalue()


@pytest.mark.parametrize("pixels", [True, False])
def test_answers_streams_cases_and_the_report_count_them(tmp_path: Path, pixels: bool) -> None:
    """A file that was trained on, its pixels in another format, and another image."""
    app = create_app(Settings(model=model(tmp_path, pixels=pixels), ephemeral=True, workers=1))
    files = [
        ("f", (name, data))
        for name, data in (("a.png", png(SEEN)), ("b.bmp", bmp(SEEN)), ("c.png", png(NEW)))
    ]
    wanted = 2 if pixels else 1
    with in_thread(app) as url, httpx.Client(base_url=url) as client:
        case = client.post("/v1/cases", json={}).json()["id"]
        whole = client.post("/v1/predict", files=files, params={"case": case}).json()
        flagged = ["seen in training" in answer["flags"] for answer in whole["answers"]]
        assert flagged == [True, pixels, False]
        assert whole["seen_in_training"] == wanted
        stream = {"Accept": "application/x-ndjson"}
        lines = client.post("/v1/predict", files=files, headers=stream).text.splitlines()
        assert json.loads(lines[-1])["seen_in_training"] == wanted
        assert client.get(f"/v1/cases/{case}").json()["seen_in_training"] == wanted
        exported = {
            kind: client.get(f"/v1/cases/{case}/export", params={"format": kind})
            for kind in ("json", "html", "csv")
        }
    assert exported["json"].json()["seen_in_training"] == wanted
    assert f"SEEN IN TRAINING: {wanted} of 3 images" in exported["html"].text
    assert exported["csv"].text.count("seen in training") == wanted
