"""Cases over real HTTP, in memory and in both databases."""

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import leukoscope as ls
from leukoscope.app.schemas import Case, CaseHead, Cell
from tests import forked
from tests.app.conftest import clean_environment
from tests.app.live import Live, running
from tests.app.made_case import picture
from tests.inference.tiny_model import write_tiny_model
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.slow(23)

NAMES = ("UID_7_1_1_all.bmp", "UID_7_1_2_all.bmp", "UID_H2_1_1_hem.bmp")


def images() -> list[tuple[str, tuple[str, bytes]]]:
    """Three cells and a file that is no image, as a form."""
    files = [(name, picture(60 + 40 * row, side=450)) for row, name in enumerate(NAMES)]
    return [("files", file) for file in [*files, ("junk.png", b"junk")]]


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server whose model answers for any picture, as the shipped one need not."""
    home = tmp_path_factory.mktemp("home")
    model = write_tiny_model(home / "tiny.onnx")
    with running(
        str(model), "--ephemeral", env=clean_environment(home), start=forked.start
    ) as live:
        yield live


@pytest.fixture
def client(answering: Live) -> Iterator[httpx.Client]:
    with answering.client() as client:
        yield client


def new_case(client: httpx.Client, **fields: Any) -> str:
    answer = client.post("/v1/cases", json=fields)
    assert answer.status_code == 201, answer.text
    return CaseHead.model_validate(answer.json()).id


def filled_case(client: httpx.Client, **fields: Any) -> tuple[str, list[Cell]]:
    case = new_case(client, **fields)
    answer = client.post("/v1/predict", params={"case": case}, files=images())
    assert answer.status_code == 200, answer.text
    cells = Case.model_validate(client.get(f"/v1/cases/{case}").json()).cells
    assert [one["cell_id"] for one in answer.json()["answers"]] == [cell.id for cell in cells]
    return case, cells


def test_a_whole_life_of_a_case(client: httpx.Client) -> None:
    case, cells = filled_case(client, name="Fäll 1", notes="n")
    at = f"/v1/cases/{case}"
    assert [cell.name for cell in cells] == [*NAMES, "junk.png"]
    assert client.get("/v1/cases").json()[0] == client.get(at, params={"cells": "false"}).json()

    changed = client.patch(at, json={"name": "Renamed", "threshold": 0.0}).json()
    assert (changed["name"], changed["notes"], changed["verdicts"]["blast"]) == ("Renamed", "n", 3)
    moved = client.patch(f"{at}/cells", json={"cells": [cells[0].id], "subject": "K"}).json()
    assert [one["subject"] for one in moved["subjects"]] == ["7", "H2", "K", ""]

    review = {"label": "HEM", "reviewer": "Ada", "note": "granules"}
    for cell in cells[:2]:
        answer = client.put(f"{at}/cells/{cell.id}/review", json=review)
        assert answer.json()["review"].items() >= review.items()
        assert answer.json()["verdict"] == "blast"
    assert client.post(f"{at}/undo").json()["review"] is None
    assert client.get(at).json()["reviewed"] == 1
    client.post(f"{at}/undo")
    assert client.post(f"{at}/undo").status_code == 409

    assert client.delete(f"{at}/cells/{cells[1].id}").status_code == 204
    assert len(client.get(at).json()["cells"]) == 3
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404


def test_the_same_files_again_are_the_same_cells(client: httpx.Client) -> None:
    case, cells = filled_case(client)
    query = {"case": case, "include": ["picture", "heatmap"]}
    again = client.post("/v1/predict", params=query, files=images()[::-1]).json()["answers"]
    assert [one["cell_id"] for one in again[1:]] == [cell.id for cell in cells[2::-1]]
    assert all(one["picture"] and one["heatmap"] for one in again[1:])
    assert len(client.get(f"/v1/cases/{case}").json()["cells"]) == 4


def test_a_kept_image_can_be_seen_and_explained(client: httpx.Client) -> None:
    case, cells = filled_case(client, keep_images=True)
    at = f"/v1/cases/{case}/cells/{cells[0].id}"
    image = client.get(f"{at}/image")
    assert image.headers["content-type"] == "image/bmp"
    assert image.headers["x-content-type-options"] == "nosniff"
    assert hashlib.sha256(image.content).hexdigest() == cells[0].sha256

    client.patch(f"/v1/cases/{case}", json={"threshold": 1.0})
    client.patch(f"/v1/cases/{case}/cells", json={"cells": [cells[0].id], "subject": "K"})
    told = client.get(f"{at}/explain").json()
    assert (told["p_all"], told["logit"]) == (cells[0].p_all, cells[0].logit)
    assert (told["subject"], told["threshold"], told["verdict"]) == ("K", 1.0, "normal")
    assert all(told[part] for part in ("heatmap", "picture", "features", "neighbors"))
    for part in ("image", "explain"):
        answer = client.get(f"/v1/cases/{case}/cells/{cells[3].id}/{part}")
        assert answer.status_code == 404
        assert "image" in answer.json()["error"]


def test_exports_are_attachments_with_a_name(client: httpx.Client, tmp_path: Path) -> None:
    case, cells = filled_case(client, name='Fäll "1"/2', keep_images=True)
    at = f"/v1/cases/{case}/export"
    assert client.get(at, params={"format": "cohort"}).status_code == 409
    for cell, label in zip(cells, ("ALL", "HEM"), strict=False):
        client.put(f"/v1/cases/{case}/cells/{cell.id}/review", json={"label": label})
    found = {}
    for kind in ("csv", "json", "html", "cohort"):
        answer = client.get(at, params={"format": kind})
        assert answer.status_code == 200
        header = answer.headers["content-disposition"]
        assert header.startswith("attachment; ")
        assert "filename*=UTF-8''F%C3%A4ll" in header
        assert header.isascii()
        found[kind] = answer
    assert found["csv"].text.count("\n") == 5
    assert Case.model_validate(
        {
            k: v
            for k, v in json.loads(found["json"].text).items()
            if k not in ("software", "exported")
        }
    ) == Case.model_validate(client.get(f"/v1/cases/{case}").json())
    assert "Operating point" in found["html"].text
    with zipfile.ZipFile(io.BytesIO(found["cohort"].content)) as archive:
        archive.extractall(tmp_path)
    assert len(ls.read_cohort(tmp_path / "cohort.csv")) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/cases/nope", None, 404),
        ("GET", "/v1/cases/%00", None, 404),
        ("GET", "/v1/cases/" + "x" * 101, None, 422),
        ("GET", "/v1/cases/nope/export?format=pdf", None, 422),
        ("GET", "/v1/cases/nope/export", None, 422),
        ("GET", "/v1/cases/nope/export?format=csv", None, 404),
        ("GET", "/v1/cases/nope/cells/99999999999999999999999/image", None, 422),
        ("GET", "/v1/cases/nope/cells/1/explain", None, 404),
        ("PATCH", "/v1/cases/nope", {"name": ""}, 422),
        ("PATCH", "/v1/cases/nope", {"nmae": "x"}, 422),
        ("PATCH", "/v1/cases/nope", {"threshold": 2}, 422),
        ("PATCH", "/v1/cases/nope/cells", {"cells": [], "subject": ""}, 422),
        ("PATCH", "/v1/cases/nope/cells", {"cells": [10**30], "subject": ""}, 404),
        ("PUT", "/v1/cases/nope/cells/1/review", {"label": " blast"}, 422),
        ("PUT", "/v1/cases/nope/cells/1/review", {"label": "x" * 41}, 422),
        ("PUT", "/v1/cases/nope/reviews", {"label": "ALL", "cells": []}, 422),
        ("PUT", "/v1/cases/nope/cells/1/review", {"label": "ALL"}, 404),
        ("POST", "/v1/cases/nope/undo", None, 404),
        ("POST", "/v1/cases", {"notes": "x" * 20_001}, 422),
        ("POST", "/v1/cases", {"notes": "\ud800"}, 422),
        ("POST", "/v1/cases", {"keep_images": 0}, 422),
        ("DELETE", "/v1/cases/nope", None, 404),
        ("DELETE", "/v1/cases/nope/cells/1", None, 404),
        ("POST", "/v1/predict?case=nope", None, 404),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    client: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    files = images() if "predict" in path else None
    content = None if body is None else json.dumps(body)
    answer = client.request(
        method,
        path,
        content=content,
        files=files,
        headers={} if files else {"Content-Type": "application/json"},
    )
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]


def test_links_of_a_new_case_lead_somewhere(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    links = paths["/v1/cases"]["post"]["responses"]["201"]["links"]
    known = {one["operationId"] for methods in paths.values() for one in methods.values()}
    assert {link["operationId"] for link in links.values()} <= known
    assert len(links) == 6


def test_every_error_of_a_route_is_declared(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    paths = {path: one for path, one in document["paths"].items() if "/cases" in path}
    assert len(paths) == 10
    for path, methods in paths.items():
        for method, one in methods.items():
            expected = {"401", "403", "503"} | ({"404", "422"} if "{" in path else set())
            assert set(one["responses"]) >= expected, (method, path)


def test_a_case_in_postgresql_is_there_after_a_restart(
    start_server: Callable[..., Live], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    options = ("--database", postgresql.new_database())
    server = start_server(*options)
    with server.client() as client:
        case, cells = filled_case(client, keep_images=True)
        client.put(f"/v1/cases/{case}/cells/{cells[0].id}/review", json={"label": "HEM"})
        before = client.get(f"/v1/cases/{case}").json()
    assert server.stop() == 0
    with start_server(*options).client() as client:
        assert client.get(f"/v1/cases/{case}").json() == before
        assert client.get(f"/v1/cases/{case}/cells/{cells[0].id}/image").status_code == 200
        assert client.post(f"/v1/cases/{case}/undo").json()["review"] is None
    assert not (tmp_path / "data").exists()


def test_a_case_of_another_model_can_be_read_and_not_added_to(
    start_server: Callable[..., Live], tmp_path: Path
) -> None:
    server = start_server()
    with server.client() as client:
        case, cells = filled_case(client, keep_images=True)
        client.put(f"/v1/cases/{case}/cells/{cells[0].id}/review", json={"label": "HEM"})
    server.stop()
    (file,) = (tmp_path / "data").rglob("cases.sqlite3")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE cases SET model_sha256 = ?", ("cd" * 32,))
    connection.close()
    with start_server().client() as client:
        at = f"/v1/cases/{case}"
        reopened = Case.model_validate(client.get(at).json())
        assert [cell.p_all for cell in reopened.cells] == [cell.p_all for cell in cells]
        assert reopened.reviewed == 1
        for answer in (
            client.post("/v1/predict", params={"case": case}, files=images()),
            client.get(f"{at}/cells/{cells[0].id}/explain"),
        ):
            assert answer.status_code == 409
            assert "start a new case" in answer.json()["error"]
        report = client.get(f"{at}/export", params={"format": "html"}).text
        assert "Operating point" not in report
