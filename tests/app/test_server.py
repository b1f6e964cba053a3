"""The server as a process and over real HTTP: answers, order, room, leaving, and a good end."""

import base64
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from leukoscope import verbs
from leukoscope.app.limits import Limits
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.app.store import StoreError
from leukoscope.errors import RESEARCH_USE, LeukoscopeError
from tests.app.forms import TYPE, files, zipped
from tests.app.live import Live, in_thread
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image, write_tiny_model

GOOD = encode(cell_image(), "PNG")
STREAM = {"Accept": "application/x-ndjson"}
ROW = ("subject", "p_all", "verdict", "logit", "reason", "model")


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 36 synthetic cells and a broken file."""
    folder = tmp_path_factory.mktemp("cells")
    verbs.synthesise(folder / "drawn", persons=6, cells=6, seed=3)
    (folder / "UID_9_1_1_all.bmp").write_bytes(b"BM, and no more")
    return folder


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """URLs of servers with a tiny model and limits of one's own, each in a thread."""
    running = []
    model = write_tiny_model(tmp_path / "tiny.onnx")

    def start(app: Callable[[FastAPI], None] = lambda app: None, **limits: float) -> str:
        settings = Settings(model=model, ephemeral=True, workers=1, limits=Limits(**limits))
        made = create_app(settings)
        app(made)
        running.append(in_thread(made))
        return running[-1].__enter__()

    yield start
    for one in running:
        one.__exit__(None, None, None)


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.bmp"))}


def predicted(folder: Path, out: Path) -> dict[str, dict[str, object]]:
    """What `leukoscope predict` says about a folder, by file name."""
    verbs.predict([folder], out=out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return {Path(row["path"]).name: row for row in rows}


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    for _ in range(2_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def check_equal(live: Live, folder: Path, out: Path) -> None:
    """Every way of asking gives the rows of `leukoscope predict`, to the last digit."""
    rows = predicted(folder, out)
    sent = images(folder)
    assert len(rows) == len(sent) > 30
    body = {"images": [{"name": n, "data": base64.b64encode(d).decode()} for n, d in sent.items()]}
    form, headers = files(sent), {"Content-Type": TYPE}
    number, name = next((n, name) for n, name in enumerate(sent) if rows[name]["logit"] is not None)
    parts = {"include": ["heatmap", "picture", "features", "neighbours"]}
    with live.client() as client:
        asked = [
            client.post("/v1/predict", content=form, headers=headers).json()["answers"],
            client.post("/v1/predict", json=body).json()["answers"],
            client.post("/v1/predict", content=form, headers=headers, params=parts).json()[
                "answers"
            ],
            client.post("/v1/predict", files={"z": zipped(sent)}).json()["answers"],
        ]
        lines = client.post("/v1/predict", content=form, headers=headers | STREAM).text.splitlines()
        asked.append([json.loads(line) for line in lines[:-1]])
        one = client.post("/v1/explain", files={"f": (name, sent[name])}).json()
    assert json.loads(lines[-1]) == {"done": True, "answers": len(sent), "failed": 1}
    for answers in asked:
        assert [answer["name"].split("/")[-1] for answer in answers] == list(sent)
        for answer in answers:
            row = rows[answer["name"].split("/")[-1]]
            assert {key: answer[key] for key in ROW} == {key: row[key] for key in ROW}
            assert " | ".join(answer["flags"]) == row["flags"]
    assert one == asked[2][number]
    assert one["picture"].startswith("data:image/jpeg;base64,")
    assert len(one["neighbours"]) == 4


def test_answers_are_those_of_the_command_line(live_server, cells, tmp_path):
    check_equal(live_server, cells, tmp_path / "rows.jsonl")


@pytest.mark.real
def test_answers_to_real_cells_are_those_of_the_command_line(live_server, cnmc_dir, tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    for path in sorted(cnmc_dir.rglob("*.bmp"))[::200][:40]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.bmp").write_bytes(b"BM")
    check_equal(live_server, folder, tmp_path / "rows.jsonl")


def test_a_request_is_summed_up(live_server, cells):
    sent = images(cells)
    with live_server.client() as client:
        content = client.post("/v1/predict", files=[("f", one) for one in sent.items()]).json()
    assert content["notice"] == RESEARCH_USE
    assert content["failed"] == 1
    subjects = {one["subject"]: one for one in content["subjects"]}
    assert subjects["9"]["not_answered"] == 1
    assert subjects["9"]["fraction"] is None
    assert sum(one["cells"] for one in subjects.values()) == len(sent)
    assert "none of 1 cell could be answered" in subjects["9"]["sentence"]


def test_nothing_is_said_about_nothing(live_server):
    with live_server.client() as client:
        content = client.post("/v1/predict", json={"images": []}).json()
    assert (content["answers"], content["failed"], content["subjects"]) == ([], 0, [])


def test_parts_come_only_when_asked_for(live_server):
    with live_server.client() as client:
        (plain,) = client.post("/v1/predict", files={"f": GOOD}).json()["answers"]
        (part,) = client.post("/v1/predict?include=features", files={"f": GOOD}).json()["answers"]
    assert {key for key in plain if plain[key] != part[key]} == {"features"}
    assert plain["heatmap"] is plain["picture"] is plain["neighbours"] is plain["cell_id"] is None
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


def test_a_slow_body_is_cut(small_server):
    host, port = small_server(body_seconds=0.2).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as client:
        head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\n"
        client.sendall(f"{head}Content-Length: 1000\r\n\r\n--".encode())
        assert client.recv(1_000).startswith(b"HTTP/1.1 408 ")


def test_who_sends_too_much_still_reads_why(small_server):
    """Also a client that sends all before it reads, whom a closed connection would cut off."""
    url = small_server(request_bytes=100_000)
    answer = httpx.post(f"{url}/v1/predict", files={"f": bytes(30_000_000)}, trust_env=False)
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]
    unread = httpx.post(f"{url}/nothing", content=bytes(900_000), trust_env=False)
    assert unread.status_code == 404
    notes = httpx.post(f"{url}/v1/cases", content=bytes(30_000_000), trust_env=False)
    assert notes.status_code == 413


def test_a_body_without_a_length_is_bounded_too(small_server):
    url = small_server(request_bytes=100_000)
    pieces = (bytes(10_000) for _ in range(2_000))
    headers = {"Content-Type": TYPE}
    answer = httpx.post(f"{url}/v1/predict", content=pieces, headers=headers, trust_env=False)
    assert answer.status_code == 413


class Held:
    """An app whose workers wait, so that requests are found waiting."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.batches: list[int] = []

    def __call__(self, app: FastAPI) -> None:
        batcher = app.state.services.batcher
        work = batcher._work

        def wait(tasks):
            self.batches.append(len(tasks))
            self.begun.set()
            assert self.gate.wait(20)
            return work(tasks)

        batcher._work = wait


def in_background(call: Callable[[], httpx.Response]) -> tuple[threading.Thread, list[object]]:
    """A request of which one waits for the end later."""
    out: list[object] = []

    def go() -> None:
        try:
            out.append(call())
        except httpx.HTTPError as error:
            out.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    return thread, out


def test_beyond_the_queue_the_answer_is_429_and_nothing_is_lost(small_server):
    held = Held()
    url = small_server(held, waiting_images=10)
    eight = files({f"{n}.png": GOOD for n in range(8)})
    with httpx.Client(base_url=url, headers={"Content-Type": TYPE}, timeout=30) as client:

        def post() -> httpx.Response:
            return httpx.post(f"{url}/v1/predict", content=eight, headers={"Content-Type": TYPE})

        first = in_background(post)
        assert held.begun.wait(20)
        second = in_background(post)
        until(lambda: metric(client, "leukoscope_waiting_images") >= 8)
        refused = client.post("/v1/predict", content=eight)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "try again" in refused.json()["error"]
        held.gate.set()
        for thread, out in (first, second):
            thread.join(30)
            assert out[0].status_code == 200
            assert len(out[0].json()["answers"]) == 8
        assert metric(client, "leukoscope_refused_total") == 1
        assert metric(client, "leukoscope_bytes_in_flight") == 0


def test_beyond_the_memory_the_answer_is_429(small_server):
    held = Held()
    url = small_server(held, bytes_in_flight=100_000)
    body, headers = files({"a.png": GOOD}), {"Content-Type": TYPE}
    thread, out = in_background(
        lambda: httpx.post(f"{url}/v1/predict", content=body, headers=headers)
    )
    assert held.begun.wait(20)
    large = files({"a.png": bytes(100_000)})
    assert httpx.post(f"{url}/v1/predict", content=large, headers=headers).status_code == 429
    held.gate.set()
    thread.join(30)
    assert out[0].status_code == 200
    assert httpx.post(f"{url}/v1/predict", content=large, headers=headers).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_the_images_of_a_client_that_left_are_dropped(small_server, accept):
    held = Held()
    url = small_server(held)
    host, port = url.removeprefix("http://").split(":")
    body = files({f"{n}.png": GOOD for n in range(100)})
    with httpx.Client(base_url=url) as client:
        with socket.create_connection((host, int(port)), 20) as leaving:
            head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\n"
            head += f"Accept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
            assert held.begun.wait(20)
            until(lambda: metric(client, "leukoscope_waiting_images") > 80)
        until(lambda: metric(client, "leukoscope_waiting_images") == 0)
        until(lambda: metric(client, "leukoscope_bytes_in_flight") == 0)
        held.gate.set()
        assert client.post("/v1/predict", files={"f": GOOD}).status_code == 200
    assert sum(held.batches) < 30


def test_answers_come_as_they_are_ready(small_server):
    held = Held()
    url = small_server(held)
    body = files({f"{n}.png": GOOD for n in range(20)})
    headers = {"Content-Type": TYPE, **STREAM}
    with httpx.stream("POST", f"{url}/v1/predict", content=body, headers=headers) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        held.gate.set()
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert [line["name"] for line in lines[:-1]] == [f"{n}.png" for n in range(20)]
    assert lines[-1] == {"done": True, "answers": 20, "failed": 0}


def test_a_failure_of_our_own_is_a_line_with_an_id(small_server, caplog):
    def broken(app: FastAPI) -> None:
        def fail(tasks):
            raise RuntimeError("secret innards")

        app.state.services.batcher._work = fail

    url = small_server(broken)
    answer = httpx.post(f"{url}/v1/predict", files={"f": GOOD})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    number = answer.json()["error"].split()[-1]
    assert number in caplog.text
    assert "secret innards" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    stream = httpx.post(f"{url}/v1/predict", files={"f": GOOD}, headers=STREAM)
    assert list(json.loads(stream.text.splitlines()[-1])) == ["error"]


def test_health_and_meters(live_server):
    with live_server.client() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        assert client.get("/readyz").json()["status"] == "ready"
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
    assert entry["card"]["name"] == entry["name"] == "cnn-gap"
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
    assert answer["neighbours"][0]["name"] == listing[0]["name"]
    assert answer["neighbours"][0]["similarity"] == pytest.approx(1)


def test_the_page_is_fetched_once(live_server):
    with live_server.client() as client:
        page = client.get("/")
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-cache"
        again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        plain = client.get("/", headers={"Accept-Encoding": "identity"})
        assert page.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert plain.text == page.text
        assert plain.headers["etag"] != page.headers["etag"]
        script = client.get("/static/app.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_log_has_no_file_names_unless_asked_and_ctrl_c_is_a_good_end(live_server, start_server):
    named = start_server("--ephemeral", "--log-names")
    for live in (live_server, named):
        with live.client() as client:
            client.post("/v1/predict?include=features", files={"f": ("Jane Doe.png", GOOD)})
        until(lambda live=live: "POST /v1/predict 200" in live.text())
        assert "include" not in live.text()
    assert "Jane" not in live_server.text()
    named.process.send_signal(signal.SIGINT)
    assert named.process.wait(30) == 0
    where, ready, request = named.text().splitlines()
    assert RESEARCH_USE in where
    assert ready == "Ready."
    assert "1 images" in request
    assert request.endswith("Jane Doe.png")


def test_what_is_begun_is_finished_when_the_server_is_ended(start_server, cells):
    live = start_server("--ephemeral", "--workers", "1")
    sent = images(cells)
    body = files(sent)
    headers = {"Content-Type": TYPE, **STREAM}
    with live.client() as client, client.stream(
        "POST", "/v1/predict", content=body, headers=headers
    ) as answer:  # fmt: skip
        lines = answer.iter_lines()
        first = json.loads(next(lines))
        live.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(live.url))
        rest = [json.loads(line) for line in lines]
    assert first["name"] == next(iter(sent))
    assert rest[-1] == {"done": True, "answers": len(sent), "failed": 1}
    assert live.process.wait(30) == 0
    assert "Traceback" not in live.text()


def refuses(url: str) -> bool:
    """Whether the server takes no more connections, or no more work."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 503
    except httpx.TransportError:
        return True


def test_a_server_that_cannot_start_says_why_in_one_line(live_server):
    port = live_server.url.split(":")[-1]
    command = [sys.executable, "-m", "leukoscope", "serve", "--no-open", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"leukoscope: port {port}")
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "LEUKOSCOPE_TOKEN="),
        ({"host": "0.0.0.0", "token": "short"}, "16 characters"),
        ({"host": "::", "token": "short"}, "16 characters"),
        ({"host": "192.0.2.1", "token": "x" * 16}, "--host"),
        ({"host": "no.such.name.invalid", "token": "x" * 16}, "--host"),
        ({"model": "none.onnx"}, "does not exist"),
    ],
)
def test_why_a_server_cannot_start(monkeypatch, options, words):
    monkeypatch.delenv("LEUKOSCOPE_TOKEN", raising=False)
    with pytest.raises(LeukoscopeError, match=words) as raised:
        verbs.serve(**{"port": 0, "ephemeral": True, **options})
    assert "\n" not in str(raised.value)


def test_a_database_that_is_none_ends_the_server(tmp_path):
    with pytest.raises(StoreError, match=tmp_path.name):
        verbs.serve(port=0, database=f"sqlite:///{tmp_path}")
