"""Answers over real HTTP: those of the command line, in order, added to cases, explained."""

import base64
import json
import re
from pathlib import Path

import pytest

import leukoscope as ls
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.verdicts import VERDICTS
from leukoscope.data.imaging.formats import SUFFIXES
from tests.app.forms import TYPE, files, zipped
from tests.app.live import Live, metric
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

GOOD = encode(cell_image(), "PNG")
STREAM = {"Accept": "application/x-ndjson"}
ROW = ("subject", "p_all", "verdict", "logit", "reason", "model")


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.bmp"))}


def predicted(folder: Path, out: Path) -> dict[str, dict[str, object]]:
    """What `leukoscope predict` says about a folder, by file name."""
    ls.predict([folder], out=out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return {Path(row["path"]).name: row for row in rows}


def check_equal(live: Live, folder: Path, out: Path) -> None:
    """Every way of asking gives the rows of `leukoscope predict`, to the last digit."""
    rows = predicted(folder, out)
    sent = images(folder)
    assert len(rows) == len(sent) > 30
    body = {"images": [{"name": n, "data": base64.b64encode(d).decode()} for n, d in sent.items()]}
    form, headers = files(sent), {"Content-Type": TYPE}
    number, name = next((n, name) for n, name in enumerate(sent) if rows[name]["logit"] is not None)
    parts = {"include": ["heatmap", "picture", "features", "neighbors"]}
    with live.client() as client:
        asked = [
            (whole := client.post("/v1/predict", content=form, headers=headers).json())["answers"],
            client.post("/v1/predict", json=body).json()["answers"],
            client.post("/v1/predict", content=form, headers=headers, params=parts).json()[
                "answers"
            ],
            client.post("/v1/predict", files={"z": zipped(sent)}).json()["answers"],
        ]
        lines = client.post("/v1/predict", content=form, headers=headers | STREAM).text.splitlines()
        asked.append([json.loads(line) for line in lines[:-1]])
        one = client.post("/v1/explain", files={"f": (name, sent[name])}).json()
    end = {"done": True, "answers": len(sent), "failed": 1}
    end |= {name: whole[name] for name in ("subjects", "seen_in_training")}
    assert json.loads(lines[-1]) == end
    for answers in asked:
        assert [answer["name"].split("/")[-1] for answer in answers] == list(sent)
        for answer in answers:
            row = rows[answer["name"].split("/")[-1]]
            assert {key: answer[key] for key in ROW} == {key: row[key] for key in ROW}
            assert " | ".join(answer["flags"]) == row["flags"]
    made = {"heatmap", "heatmap_kind"}  # explain makes a map where the model has none of its own
    assert one["heatmap"]
    assert {key: one[key] for key in one if key not in made} == {
        key: value for key, value in asked[2][number].items() if key not in made
    }
    assert one["picture"].startswith("data:image/jpeg;base64,")
    assert len(one["neighbors"]) == 4


def test_answers_are_those_of_the_command_line(live_server, drawn_cells, tmp_path):
    check_equal(live_server, drawn_cells, tmp_path / "rows.jsonl")


@pytest.mark.real
def test_answers_to_real_cells_are_those_of_the_command_line(live_server, cnmc_dir, tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    for path in sorted(cnmc_dir.rglob("*.bmp"))[::200][:40]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.bmp").write_bytes(b"BM")
    check_equal(live_server, folder, tmp_path / "rows.jsonl")


def test_a_request_is_summed_up(live_server, drawn_cells):
    sent = images(drawn_cells)
    with live_server.client() as client:
        content = client.post("/v1/predict", files=[("f", one) for one in sent.items()]).json()
    assert content["notice"] == RESEARCH_USE
    assert content["failed"] == 1
    subjects = {one["subject"]: one for one in content["subjects"]}
    assert subjects["9"]["not_answered"] == 1
    assert subjects["9"]["fraction"] is None
    assert sum(one["cells"] for one in subjects.values()) == len(sent)
    assert "none of 1 cell could be classified" in subjects["9"]["sentence"]


def test_nothing_is_said_about_nothing(live_server):
    with live_server.client() as client:
        content = client.post("/v1/predict", json={"images": []}).json()
    assert (content["answers"], content["failed"], content["subjects"]) == ([], 0, [])


def test_parts_come_only_when_asked_for(live_server):
    with live_server.client() as client:
        (plain,) = client.post("/v1/predict", files={"f": GOOD}).json()["answers"]
        (part,) = client.post("/v1/predict?include=features", files={"f": GOOD}).json()["answers"]
    assert {key for key in plain if plain[key] != part[key]} == {"features"}
    assert plain["heatmap"] is plain["picture"] is plain["neighbors"] is plain["cell_id"] is None
    assert part["features"]["area"] > 1_000


def test_what_is_not_to_be_had_is_null(live_server):
    empty = encode(cell_image() * 0, "PNG")
    with live_server.client() as client:
        one = client.post("/v1/explain", files={"f": empty}).json()
    assert (one["verdict"], one["p_all"], one["heatmap"]) == ("not a cell", None, None)
    assert one["features"]["area"] == 0
    assert one["features"]["eccentricity"] is None


def test_answers_are_added_to_a_case(live_server):
    with live_server.client() as client:
        case = client.post("/v1/cases", json={"name": "a case", "keep_images": True}).json()["id"]
        sent = [("f", ("a.png", GOOD)), ("f", ("b.bmp", b"BM")), ("f", ("again.png", GOOD))]
        first = client.post("/v1/predict", params={"case": case}, files=sent).json()["answers"]
        z = client.post(
            "/v1/predict", params={"case": case}, files={"z": zipped({"new.png": GOOD + b" "})},
            headers=STREAM,
        )  # fmt: skip
        kept = client.get(f"/v1/cases/{case}").json()
        image = client.get(f"/v1/cases/{case}/cells/{first[0]['cell_id']}/image")
        member = client.get(f"/v1/cases/{case}/cells/{kept['cells'][-1]['id']}/image")
        explained = client.get(f"/v1/cases/{case}/cells/{first[0]['cell_id']}/explain").json()
    assert first[0]["cell_id"] == first[2]["cell_id"] != first[1]["cell_id"]
    assert json.loads(z.text.splitlines()[0])["cell_id"] == kept["cells"][-1]["id"]
    assert [cell["name"].split("/")[-1] for cell in kept["cells"]] == ["a.png", "b.bmp", "new.png"]
    assert kept["cells"][0]["p_all"] == first[0]["p_all"]
    assert (image.content, member.content) == (GOOD, GOOD + b" ")
    assert explained["p_all"] == first[0]["p_all"]
    assert explained["heatmap"] is not None


def test_a_case_that_is_not_there_is_told_before_anything_is_predicted(live_server):
    with live_server.client() as client:
        before = metric(client, "leukoscope_images_total")
        answer = client.post("/v1/predict", params={"case": "none"}, files={"f": GOOD})
        assert answer.status_code == 404
        assert metric(client, "leukoscope_images_total") == before


def test_health_and_meters(live_server):
    with live_server.client() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        ready = client.get("/readyz").json()
        assert (ready["status"], ready["ephemeral"]) == ("ready", True)
        client.post("/v1/predict", files={"f": ("b.bmp", b"BM")})
        client.get("/v1/cases/some-case-id")
        text = client.get("/metrics").text
    assert 'leukoscope_images_total{verdict="error"}' in text
    assert 'route="/v1/predict",status="200"' in text
    assert (
        'leukoscope_requests_total{method="GET",route="/v1/cases/{case_id}",status="404"}' in text
    )
    assert "some-case-id" not in text
    assert "leukoscope_image_seconds_bucket" in text
    assert "leukoscope_build_info{" in text


def test_the_model_tells_of_itself(live_server):
    with live_server.client() as client:
        (entry,) = client.get("/v1/models").json()
    assert entry["default"] is True
    assert entry["card"]["name"] == entry["name"] == "default"
    assert entry["facts"][0] == ["Use", RESEARCH_USE]
    assert len(entry["sha256"]) == 64


def test_examples_can_be_fetched_and_answered(live_server):
    with live_server.client() as client:
        listing = client.get("/v1/examples").json()
        image = client.get(listing[0]["url"])
        assert client.get("/v1/examples/none.png").status_code == 404
        answer = client.post("/v1/explain", files={"f": (listing[0]["name"], image.content)}).json()
    assert all(one["synthetic"] for one in listing)
    assert image.headers["content-type"].startswith("image/")
    assert answer["neighbors"][0]["name"] == listing[0]["name"]
    assert answer["neighbors"][0]["similarity"] == pytest.approx(1)


def test_the_vocabulary_is_that_of_the_tables(live_server):
    with live_server.client() as client:
        words = client.get("/v1/vocabulary").json()
        card = client.get("/v1/models").json()[0]["card"]
    assert [entry["verdict"] for entry in words["verdicts"]] == [row.verdict for row in VERDICTS]
    assert {suffix for row in words["image_formats"] for suffix in row["suffixes"]} == SUFFIXES
    name = re.fullmatch(words["file_name_pattern"], "UID_H10_23_4_hem.bmp")
    assert name is not None
    assert name[1] == "H10"
    assert set(card["results"]) <= {metric["key"] for metric in words["metrics"]}
    assert all(metric["title"] and metric["meaning"] for metric in words["metrics"])
