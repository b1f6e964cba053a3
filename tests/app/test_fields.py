"""Cells of a picture of a smear over HTTP: found, chosen and cut out."""

import io
import threading
import zipfile
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from leukoscope.app.http.bodies import UPLOADS
from leukoscope.app.predicting import smear_fields
from leukoscope.app.routes import fields
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.client import Client
from leukoscope.core.errors import ServerError
from leukoscope.data.imaging.resolution import stated_scale
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.smear.field import cells_of_field
from leukoscope.data.synthetic.field import FieldParams, draw_field
from tests.app.live import PATIENCE, in_thread, until
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image, write_tiny_model

pytestmark = pytest.mark.slow(3)

SCALE = 0.16


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    model = write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")
    app = create_app(Settings(model=model, ephemeral=True, workers=2))
    with in_thread(app) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """A field with three whole cells and a neutrophil."""
    sizes = {"height": 330, "width": 430, "um_per_px": SCALE}
    params = FieldParams(**sizes, cells=3, pairs=0, red_cells=8, neutrophils=1)
    return draw_field(np.random.default_rng(0), params).image


@pytest.fixture(scope="module")
def picture(image: np.ndarray) -> tuple[str, bytes]:
    return "slide 7.png", encode(image, "PNG")


def test_the_objects_are_those_of_the_command(
    client: httpx.Client, picture: tuple[str, bytes], image: np.ndarray
) -> None:
    asked = client.post("/v1/fields", params={"um_per_px": SCALE}, files={"f": picture})
    found = asked.json()
    expected = cells_of_field(image, SCALE)
    assert [one["left_out"] for one in found["cells"]] == [c.found.left_out for c in expected]
    assert sum(one["left_out"] == "" for one in found["cells"]) >= 3
    assert (found["width"], found["height"]) == (430, 330)
    assert (found["scale_from"], found["um_per_px"]) == ("given", SCALE)
    for one, cell in zip(found["cells"], expected, strict=True):
        assert np.allclose(one["outline"], cell.found.outline, atol=0.06)
    assert found["picture"].startswith("data:image/jpeg;base64,")


def test_chosen_cells_are_cut_out_and_can_be_predicted_into_a_case(
    client: httpx.Client, picture: tuple[str, bytes], image: np.ndarray
) -> None:
    expected = cells_of_field(image, SCALE)
    whole = [n for n, cell in enumerate(expected, start=1) if cell.image is not None]
    params = [("um_per_px", SCALE), ("number", whole[1]), ("number", whole[0])]
    cut = client.post("/v1/fields/cells", params=params, files={"f": picture})
    with zipfile.ZipFile(io.BytesIO(cut.content)) as archive:
        names = archive.namelist()
        content = archive.read(names[0])
    assert names == [f"slide 7_{number:02d}.png" for number in whole[:2]]
    assert stated_scale(content) == pytest.approx(CNMC_UM_PER_PX, rel=0.01)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), expected[whole[0] - 1].image)
    case = client.post("/v1/cases", json={"name": "slide 7"}).json()["id"]
    sent = {"f": ("slide 7.zip", cut.content)}
    answers = client.post(f"/v1/predict?case={case}", files=sent).json()["answers"]
    assert [one["name"] for one in answers] == [f"slide 7.zip/{name}" for name in names]


def test_an_object_left_out_is_cut_out_where_it_is_chosen(
    client: httpx.Client, picture: tuple[str, bytes]
) -> None:
    params = {"um_per_px": SCALE}
    cells = client.post("/v1/fields", params=params, files={"f": picture}).json()["cells"]
    lobed = next(one["number"] for one in cells if one["left_out"] == "lobed nucleus")
    cut = client.post("/v1/fields/cells", params={**params, "number": lobed}, files={"f": picture})
    assert zipfile.ZipFile(io.BytesIO(cut.content)).namelist() == [f"slide 7_{lobed:02d}.png"]


@pytest.mark.parametrize(
    ("route", "params", "data", "status"),
    [
        ("/v1/fields/cells", {"number": 1}, b"no picture", 404),
        ("/v1/fields", {"um_per_px": 7}, None, 422),
        ("/v1/fields/cells", {"um_per_px": SCALE, "number": 99}, None, 404),
        ("/v1/fields/cells", {"um_per_px": SCALE}, None, 422),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    client: httpx.Client,
    picture: tuple[str, bytes],
    route: str,
    params: dict[str, float],
    data: bytes | None,
    status: int,
) -> None:
    sent = picture if data is None else ("a.png", data)
    answer = client.post(route, params=params, files={"f": sent})
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("data", [b"no picture", encode(cell_image(1), "PNG")])
def test_a_picture_that_cannot_be_used_does_not_fail_the_request(
    client: httpx.Client, data: bytes
) -> None:
    found = client.post("/v1/fields", files={"f": ("a.png", data)}).json()
    assert found["problem"]
    assert found["cells"] == []


def test_two_pictures_at_once_are_refused(client: httpx.Client, picture: tuple[str, bytes]) -> None:
    sent = [("a", picture), ("b", picture)]
    assert client.post("/v1/fields", files=sent).status_code == 400


def test_without_opencv_the_extra_is_named(
    client: httpx.Client, picture: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smear_fields, "find_spec", lambda _: None)
    answer = client.post("/v1/fields", files={"f": picture})
    assert answer.status_code == 501
    assert "[train]" in answer.json()["error"]


def test_an_unknown_scale_is_said_and_gives_no_sizes(client: httpx.Client) -> None:
    sizes = {"height": 330, "width": 430, "um_per_px": SCALE}
    image = draw_field(
        np.random.default_rng(1), FieldParams(**sizes, cells=2, pairs=0, red_cells=1)
    ).image
    found = client.post("/v1/fields", files={"f": ("a.png", encode(image, "PNG"))}).json()
    assert found["scale_from"] == "unknown"
    assert found["um_per_px"] is None
    assert all(one["diameter_um"] is None for one in found["cells"])
    assert found["scale_text"]


def test_the_python_client_finds_and_cuts_cells(
    client: httpx.Client, picture: tuple[str, bytes]
) -> None:
    with Client(str(client.base_url)) as ours:
        found = ours.find_cells(picture, SCALE)
        taken = [cell.number for cell in found.cells if not cell.left_out]
        content = ours.cut_cells(picture, taken, SCALE)
        assert len(list(ours.predict(("slide 7.zip", content)))) == len(taken)
        with pytest.raises(ServerError):
            ours.find_cells("gone.png")


def test_a_picture_with_more_objects_than_a_person_can_choose_from_is_refused(
    client: httpx.Client, picture: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smear_fields, "MOST_CELLS", 1)
    found = client.post("/v1/fields", params={"um_per_px": SCALE}, files={"f": picture}).json()
    assert "at most 1" in found["problem"]
    assert found["cells"] == []


def test_every_route_that_takes_images_takes_large_bodies(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    with_images = {
        path
        for path, methods in paths.items()
        if "multipart/form-data"
        in methods.get("post", {}).get("requestBody", {}).get("content", {})
    }
    assert with_images == UPLOADS


def test_a_picture_of_more_than_a_megabyte_is_taken(client: httpx.Client) -> None:
    image = np.random.default_rng(0).integers(150, 255, (700, 700, 3)).astype(np.uint8)
    data = encode(image, "PNG")
    assert len(data) > 1_000_000
    answer = client.post("/v1/fields", params={"um_per_px": 0.3}, files={"f": ("a.png", data)})
    assert answer.status_code == 200


@pytest.mark.parametrize("shape", [(1, 1), (1, 430), (330, 1), (7, 300)])
def test_a_picture_too_small_for_a_cell_is_refused(
    client: httpx.Client, image: np.ndarray, shape: tuple[int, int]
) -> None:
    data = encode(image[: shape[0], : shape[1]], "PNG")
    found = client.post("/v1/fields", files={"f": ("a.png", data)}).json()
    assert f"{shape[1]} x {shape[0]}" in found["problem"]


@pytest.mark.parametrize("name", [".png", ".hidden.png", "._1.png", "../.png", "..", "a/ .x.png"])
def test_cells_of_any_name_can_be_predicted(
    client: httpx.Client, picture: tuple[str, bytes], name: str
) -> None:
    params = {"um_per_px": SCALE, "number": 1}
    cut = client.post("/v1/fields/cells", params=params, files={"f": (name, picture[1])})
    answers = client.post("/v1/predict", files={"f": ("x.zip", cut.content)}).json()["answers"]
    assert [one["name"].endswith("_01.png") for one in answers] == [True]
    assert answers[0]["verdict"] != "error"


def test_no_more_objects_are_cut_out_than_a_person_can_choose_from(
    client: httpx.Client, picture: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smear_fields, "MOST_CELLS", 1)
    params = {"um_per_px": SCALE, "number": 1}
    assert client.post("/v1/fields/cells", params=params, files={"f": picture}).status_code == 404


def test_a_client_that_leaves_frees_its_turn_and_memory_once_its_picture_is_done(
    client: httpx.Client, picture: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go, running, most = threading.Event(), threading.Event(), [], []
    find = fields.find_cells

    def slow(*args: object) -> object:
        running.append(1)
        most.append(len(running))
        began.set()
        go.wait(PATIENCE)
        try:
            return find(*args)  # type: ignore[arg-type]
        finally:
            running.pop()

    monkeypatch.setattr(fields, "find_cells", slow)

    def leave() -> None:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/fields", files={"f": picture}, timeout=0.3)

    until(lambda: leave() or began.is_set())  # on a busy machine, some leave before it works
    for _ in range(2):  # these wait for their turn
        leave()
    threading.Timer(0.3, go.set).start()
    assert client.post("/v1/fields", files={"f": picture}).status_code == 200
    assert most == [1, 1]  # those who left while they waited were not served
    metrics = client.get("/metrics").text.splitlines()
    assert "leukoscope_bytes_in_flight 0" in [line.removesuffix(".0") for line in metrics]
