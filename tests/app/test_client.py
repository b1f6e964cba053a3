"""The Python client against real servers."""

import io
import json
import subprocess
import sys
import threading
import zipfile
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from PIL import Image

from leukoscope.app.limits import Limits
from leukoscope.app.predicting.examples import load_examples
from leukoscope.app.schemas import CaseChange
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from leukoscope.client import Client
from leukoscope.client import connection as module
from leukoscope.core.errors import LeukoscopeError, MissingExtraError, ServerError
from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.predictor import Predictor
from tests.app.live import PATIENCE, Held, in_thread, metric, until

pytestmark = pytest.mark.slow(14)

TOKEN = "correct horse battery staple"


@pytest.fixture(scope="module")
def cells():
    """Example cells as name and bytes."""
    examples = load_examples(load(default_model()))
    return [(one.name, examples.image(one.name)) for one in examples.listing[::3]]


@pytest.fixture
def client(live_server):
    with Client(live_server.url, timeout=PATIENCE) as opened:
        yield opened


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def black(side=40):
    out = io.BytesIO()
    Image.new("RGB", (side, side)).save(out, "PNG")
    return out.getvalue()


def test_answers_are_those_of_predict_whatever_the_images_come_as(client, cells, tmp_path):
    folder = tmp_path / "cells"
    folder.mkdir()
    for name, data in cells[:3]:
        (folder / name).write_bytes(data)
    images = [folder, folder / "gone.png", *cells[3:], b"junk", ("a.zip", zipped(cells[:2]))]
    answers = list(client.predict(images))
    expected = list(Predictor().predict([data for _, data in (*cells, *cells[:2])]))
    answered = [one for one in answers if one.verdict != "error"]
    in_folder = sorted(name for name, _ in cells[:3])
    assert [a.name for a in answers[:3]] == [f"cells/{name}" for name in in_folder]
    by_name = {name: p for (name, _), p in zip(cells, expected, strict=False)}
    for answer in answered:
        prediction = by_name[answer.name.rpartition("/")[2]]
        assert (answer.p_all, answer.logit) == (prediction.p_all, prediction.logit)
        assert answer.verdict == prediction.verdict
    assert len(answered) == len(expected)
    assert [(a.name, a.reason) for a in answers if a.sha256 == ""] == [
        ("gone.png", "no such file.")
    ]
    assert answers[3].name == "gone.png"  # in its place
    assert answers[3].model == answers[0].model
    assert answers[3].threshold == answers[0].threshold
    assert answers[-3].verdict == "error"
    assert [a.name for a in answers[-2:]] == [f"a.zip/{name}" for name, _ in cells[:2]]


def test_many_requests_answer_every_image_once_in_order(client, cells, monkeypatch):
    monkeypatch.setattr("leukoscope.client.upload_batches.BATCH_IMAGES", 5)
    named = [(f"{i}.png", cells[i % len(cells)][1]) for i in range(23)]
    assert [a.name for a in client.predict(iter(named))] == [name for name, _ in named]
    assert list(client.predict([])) == []


def test_parts_and_explain(client, cells):
    (answer,) = client.predict([cells[0]], include=["features"])
    assert answer.features["pieces"] >= 1
    assert answer.heatmap is answer.picture is None
    whole = client.explain(cells[0])
    assert whole.logit == answer.logit
    assert whole.heatmap
    assert whole.picture.startswith("data:image/jpeg;base64,")
    assert whole.neighbors[0].name == cells[0][0]
    with pytest.raises(ServerError, match="one image") as caught:
        client.explain(zipped(cells[:2]))
    assert caught.value.status == 400
    assert client.explain("absent.bmp").reason == "no such file."


def test_the_model_is_told(client):
    (entry,) = client.models()
    assert entry.default
    assert entry.card["name"] == entry.name


def test_a_case_from_beginning_to_end(client, cells):
    head = client.create_case("Client", "made by a test")
    answers = list(client.predict(cells, case=head.id))
    assert [a.cell_id for a in answers] == [cell.id for cell in client.case(head.id).cells]
    assert head.id in [one.id for one in client.cases()]
    changed = client.change_case(head.id, CaseChange(threshold=0.999))
    assert changed.own_threshold
    assert changed.notes == "made by a test"
    assert not client.change_case(head.id, CaseChange(threshold=None)).own_threshold
    cell = answers[0].cell_id
    assert client.review(head.id, cell, "HEM", "me").review.label == "HEM"
    assert client.undo(head.id).review is None
    with pytest.raises(ServerError) as caught:
        client.undo(head.id)
    assert caught.value.status == 409
    assert {s.subject for s in client.move(head.id, [cell], "Z9").subjects} >= {"Z9"}
    assert client.export(head.id).count(b"UID_") >= len(cells)
    assert json.loads(client.export(head.id, "json"))
    client.delete_case(head.id)
    with pytest.raises(ServerError) as caught:
        client.case(head.id)
    assert caught.value.status == 404


def test_the_token_is_shown(start_server, cells):
    url = start_server("--token", TOKEN, "--ephemeral").url
    with Client(url, TOKEN) as known:
        assert len(list(known.predict(cells[:1]))) == 1
    for token in (None, "wrong", "falsch, für immer"):
        with pytest.raises(ServerError, match="token") as caught, Client(url, token) as unknown:
            unknown.cases()
        assert caught.value.status == 401


def test_a_server_that_dies_is_an_error_and_no_short_list(start_server, cells):
    live = start_server("--ephemeral")
    with Client(live.url) as client:
        # Too much to be answered and on its way before the server is killed, on any machine.
        many = zipped([(f"{i}.png", cells[0][1]) for i in range(900)])
        coming = client.predict([many], include=["heatmap", "picture", "features"])
        next(coming)
        live.process.kill()
        with pytest.raises(ServerError, match="serve"):
            list(coming)


@pytest.fixture
def narrow():
    """The real app, in this process, with a short queue and workers that wait after one batch."""
    held = Held(free=1)
    app = create_app(Settings(ephemeral=True, workers=1, limits=Limits(waiting_images=10)))
    held(app)
    with in_thread(app) as url:
        yield url, held
        held.gate.set()


def test_a_busy_server_is_asked_again_when_it_says(narrow, cells, monkeypatch):
    url, held = narrow
    pauses, sleep = [], module.time.sleep

    def pause(seconds):
        pauses.append(seconds)
        held.gate.set()
        sleep(0.1)

    with ExitStack() as stack:
        one = stack.enter_context(Client(url))
        patient = stack.enter_context(Client(url, patience=1e6))  # no second of it is waited for
        hasty = stack.enter_context(Client(url, patience=0))
        many = one.predict([zipped([(f"{i}.png", cells[i % 8][1]) for i in range(120)])])
        next(many)
        until(lambda: waiting(url) >= 10)
        monkeypatch.setattr(module.time, "sleep", pause)
        with pytest.raises(ServerError, match="waiting") as caught:
            list(hasty.predict(cells))
        assert caught.value.status == 429
        assert pauses == []
        assert [a.name for a in patient.predict(cells)] == [name for name, _ in cells]
        assert pauses
        assert min(pauses) >= 1
        assert len(list(many)) == 119


def waiting(url):
    """Images in the queue of a server."""
    with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        return metric(client, "leukoscope_waiting_images")


def test_who_leaves_early_leaves_a_free_server(narrow, cells):
    url, held = narrow
    with Client(url) as client:
        many = client.predict([zipped([(f"{i}.png", cells[i % 8][1]) for i in range(900)])])
        next(many)
        until(lambda: waiting(url) >= 10)
        many.close()
        until(lambda: waiting(url) == 0)
        held.gate.set()
        assert len(list(client.predict(cells))) == len(cells)


def test_where_no_server_is(cells):
    for url in ("http://127.0.0.1:1", "http://[", "nonsense"):
        with pytest.raises(ServerError) as caught, Client(url) as client:
            list(client.predict(cells))
        assert isinstance(caught.value, LeukoscopeError)
        assert "\n" not in str(caught.value)
        assert caught.value.status is None


class Stranger(BaseHTTPRequestHandler):
    """Something else that speaks HTTP."""

    def do_GET(self):
        status, body = (
            (502, b"<h1>Bad gateway</h1>") if "models" in self.path else (200, b'{"a":1}')
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_another_program_is_told_from_a_server():
    stranger = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    with Client(f"http://127.0.0.1:{stranger.server_port}") as client:
        with pytest.raises(ServerError, match="version"):
            client.cases()
        with pytest.raises(ServerError, match="HTTP 502"):
            client.models()
    stranger.shutdown()
    stranger.server_close()


def test_proxies_of_the_environment_are_not_used(live_server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{live_server.url}/healthz")
    with Client(live_server.url) as client:
        assert client.models()


def test_without_httpx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[client\]"):
        Client()


def test_importing_it_brings_no_server_along():
    heavy = {"fastapi", "uvicorn", "onnxruntime", "PIL", "sqlalchemy", "httpx"}
    code = f"import sys, leukoscope.client; print(*({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
