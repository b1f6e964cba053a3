"""What an attacker would send, over real HTTP: an answer with a reason, or a refusal."""

import base64
import json
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from leukoscope.app.limits import MB
from leukoscope.core.verdicts import Verdict
from tests.app.forms import BOUNDARY, TYPE, files, form, part, zipped
from tests.app.live import PATIENCE, Live
from tests.app.uploads.test_archives import overlapping
from tests.inference.bad_images import BROKEN, encode, huge_header
from tests.inference.tiny_model import cell_image

GOOD = encode(cell_image(), "PNG")


def send(live: Live, body: bytes, kind: str = TYPE) -> tuple[int, dict]:
    """Status and JSON of an answer, which must be fit to be read by a person."""
    with live.client() as client:
        answer = client.post("/v1/predict", content=body, headers={"Content-Type": kind})
    content = answer.json()
    assert answer.status_code < 500, content
    if answer.status_code != 200:
        assert list(content) == ["error"]
        assert content["error"]
        assert "Traceback" not in content["error"]
        assert "\n" not in content["error"]
    return answer.status_code, content


def answers(live: Live, body: bytes) -> list[dict]:
    status, content = send(live, body)
    assert status == 200
    assert content["failed"] == sum(one["verdict"] == "error" for one in content["answers"])
    return content["answers"]


def polyglots() -> dict[str, bytes]:
    archive = zipped({"1.png": GOOD})
    return {
        "image then archive.png": GOOD + archive,
        "archive in bitmap.bmp": b"BM" + archive,
        "script.bmp": b"BM<script>alert(1)</script>" + bytes(200),
        "page.png": b"<!doctype html><script>alert(1)</script>",
        "pdf.jpg": b"%PDF-1.7\n" + bytes(100),
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "pickle.bmp": b"\x80\x04\x95" + bytes(40),
        "executable.tiff": b"\x7fELF" + bytes(400),
    }


def bombs() -> dict[str, bytes]:
    flat = zipped({f"{n}.bmp": b"BM" + bytes(31 * MB) for n in range(2)})
    return {
        "flat.zip": flat,
        "nested.zip": zipped({"inner.zip": flat, "inner.bmp": flat}),
        "overlapping.zip": overlapping(400),
        "many.zip": zipped({f"{n}.bmp": b"" for n in range(10_000)}, 0),
        "out.zip": zipped([("../../etc/1.bmp", b"BM"), ("/etc/2.bmp", b"BM")]),
        "empty.zip": zipped({}),
        "cut.zip": zipped({"1.png": GOOD})[:-30],
        "lzma.zip": zipped({"1.bmp": bytes(5 * MB)}, zipfile.ZIP_LZMA),
    }


def peak_bytes(live: Live) -> int:
    """The most memory the server has ever used."""
    status = Path(f"/proc/{live.process.pid}/status")
    if not status.is_file():
        pytest.skip("only Linux tells the peak of another process")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def test_broken_images_are_answers_and_the_rest_goes_on(live_server):
    named = {name: make() for name, make in BROKEN.items()}
    found = answers(live_server, files({**named, "good.png": GOOD}))
    assert [one["name"] for one in found] == [*named, "good.png"]
    assert {one["verdict"] for one in found[:-1]} == {Verdict.ERROR}
    assert all(
        one["reason"] and one["p_all"] is None and one["logit"] is None for one in found[:-1]
    )
    assert found[-1]["p_all"] is not None


def test_polyglots_are_what_their_first_bytes_say(live_server):
    found = answers(live_server, files(polyglots()))
    assert [one["name"] for one in found] == list(polyglots())
    assert [one["verdict"] == "error" for one in found] == [False] + [True] * 7


def test_bombs_neither_fill_the_memory_nor_stop_the_rest(live_server):
    answers(live_server, files({"warm.png": GOOD}))
    before = peak_bytes(live_server)
    found = answers(live_server, files({**bombs(), "good.png": GOOD}))
    assert found[-1]["verdict"] != "error"
    refused = [one for one in found[:-1] if one["verdict"] == "error"]
    assert {one["name"].split("/")[0] for one in refused} == set(bombs())
    assert peak_bytes(live_server) - before < 400 * MB


def test_many_refused_entries_are_not_unpacked(live_server):
    found = answers(live_server, files({"z": overlapping(1_000)}))
    refused = sum(one["reason"].startswith("unpacks") for one in found)
    assert len(found) == 1_000
    assert refused > 980


def test_a_header_of_20000_by_20000_pixels(live_server):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    png = GOOD[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + GOOD[33:]
    for data in (huge_header(), png):
        (one,) = answers(live_server, files({"huge": data}))
        assert "crop the cell first" in one["reason"]


def test_more_pixels_than_the_server_decodes(live_server):
    (one,) = answers(
        live_server, files({"large.png": encode(np.zeros((5_100, 5_000, 3), np.uint8), "PNG")})
    )
    assert "5000 x 5100" in one["reason"]


@pytest.mark.parametrize(
    "name",
    [b"a\nb.png", b"a\rb.png", b"a\x00b.png", b"../../a.png", b"/etc/a.png", b"", b"x" * 3_900],
)
def test_names_are_only_labels(live_server, name):
    status, content = send(live_server, form([part(name, GOOD)]))
    if status == 200:
        shown = content["answers"][0]["name"]
        assert len(shown) <= 200
        assert shown.isprintable()
        assert ".." not in shown
        assert not shown.startswith("/")
    else:
        assert status == 400


def test_a_name_of_5000_characters_in_json(live_server):
    image = {"name": "\u202egnp." + "x" * 5_000, "data": base64.b64encode(GOOD).decode()}
    status, content = send(
        live_server, json.dumps({"images": [image]}).encode(), "application/json"
    )
    assert status == 200
    shown = content["answers"][0]["name"]
    assert len(shown) == 200
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", TYPE, 400),
        (b"", "", 415),
        (GOOD, "image/png", 415),
        (GOOD, "application/octet-stream", 415),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (files({"a": GOOD}), "multipart/form-data", 400),
        (files({"a": GOOD}), "multipart/form-data; boundary=other", 400),
        (files({"a": GOOD}), "multipart/form-data; boundary=" + "x" * 3_000, 400),
        (files({"a": GOOD}), "multipart/mixed; boundary=" + BOUNDARY.decode(), 415),
        (files({"a": GOOD})[:-40], TYPE, 400),
        (b"--" + BOUNDARY + b"\r\nX: " + b"y" * 1_000_000, TYPE, 400),
        (b"[" * 2_000_000, "application/json", 422),
        (b'{"images": "x"}', "application/json", 422),
        (b'{"images": [{"data": "*junk*"}]}', "application/json", 200),
        (b'{"images": []}', "application/json", 200),
        (b"\x00\xff", "application/json", 422),
    ],
)
def test_bodies_of_the_wrong_kind(live_server, body, kind, status):
    assert send(live_server, body, kind)[0] == status


def test_a_compressed_body_is_refused(live_server):
    with live_server.client() as client:
        headers = {"Content-Type": TYPE, "Content-Encoding": "gzip"}
        assert client.post("/v1/predict", content=b"x", headers=headers).status_code == 415


def test_more_files_than_a_request_may_have(live_server):
    status, content = send(live_server, form(part(b"a", b"") for _ in range(2_001)))
    assert status == 413
    assert "2,000" in content["error"]


def test_a_length_beyond_the_limit_is_refused_unread(live_server):
    host, port = live_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(
            b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            b"Content-Type: " + TYPE.encode() + b"\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_explain_takes_one_image(live_server):
    with live_server.client() as client:
        body = files({"a.png": GOOD, "b.png": GOOD})
        two = client.post("/v1/explain", content=body, headers={"Content-Type": TYPE})
        broken = client.post("/v1/explain", files={"f": ("a.bmp", b"BM")})
    assert (two.status_code, broken.status_code) == (400, 200)
    assert broken.json()["verdict"] == "error"
    assert broken.json()["features"] is None


def test_the_server_is_still_well(live_server):
    with live_server.client() as client:
        assert client.get("/readyz").status_code == 200
    assert "internal error" not in live_server.text()
