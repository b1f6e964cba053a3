"""Everything that reads what strangers wrote: its seeds, and what it may answer."""

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from leukoscope.app.store import StoreError
from leukoscope.core.errors import (
    ImageError,
    LeukoscopeError,
    ModelFileError,
    RecipeError,
    TrainingError,
)
from leukoscope.core.tables import write_table
from leukoscope.data.cohort import read_cohort_table
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.imaging.zip_reader import METHODS
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import load
from leukoscope.models.recipe.recipe import read_recipe, recipe_names, write_recipe
from tests.inference.tiny_model import SIZE, tiny_card, write_tiny_model
from tests.torture.own_files import checkpoints, databases, open_database, read_checkpoint

Parse = Callable[[bytes], object]
CROP = Crop(crop=40, size=20)


@dataclass(frozen=True)
class Parser:
    """A reader of bytes.

    Attributes:
        seeds: Makes valid inputs in a folder.
        opened: Opens the function that reads an input, with a folder for its files.
        allowed: Errors that it may raise.
        tokens: Words of its language.
    """

    seeds: Callable[[Path], list[bytes]]
    opened: Callable[[Path], Any]
    allowed: tuple[type[Exception], ...]
    tokens: tuple[bytes, ...] = ()


class BadAnswerError(Exception):
    """A server answered with a status of 500 or more."""


def _image() -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))


def _encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    _image().convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def _images(_folder: Path) -> list[bytes]:
    kinds = ["BMP", "PNG", "JPEG", "WEBP", "GIF"]
    compressed = [
        _encoded("TIFF", compression=kind) for kind in ("raw", "tiff_lzw", "tiff_deflate", "jpeg")
    ]
    modes = [_encoded("PNG", mode) for mode in ("L", "1", "P", "RGBA", "LA")]
    return [*map(_encoded, kinds), *compressed, *modes, _encoded("JPEG", progressive=True)]


@contextmanager
def _decoder(_folder: Path) -> Iterator[Parse]:
    yield lambda data: read_cell(data, CROP)


TABLE = {
    "path": ["cells/a.bmp", "cells/b.bmp", "UID_H7_1_2_hem.bmp"],
    "label": ["ALL", "HEM", "HEM"],
    "subject": ["1", "H2", "007"],
    "p": [0.5, float("nan"), 1.0],
}


def _tables(suffix: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        path = folder / f"seed{suffix}"
        write_table(path, TABLE)
        text = path.read_bytes()
        if suffix != ".csv":
            return [text]
        others = [text.replace(b",", b";"), text.replace(b",", b"\t"), b"\xef\xbb\xbf" + text]
        return [text, *others, text.decode().encode("utf-16"), b"sep=;\n" + others[0]]

    return seeds


def _from_file(name: str, read: Callable[[Path], object]) -> Callable[[Path], Any]:
    @contextmanager
    def opened(folder: Path) -> Iterator[Parse]:
        path = folder / name

        def parse(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        yield parse

    return opened


def _models(folder: Path) -> list[bytes]:
    return [write_tiny_model(folder / "seed.onnx").read_bytes()]


def _run_model(path: Path) -> object:
    model = load(path, seconds=5)
    side = model.card.input.size
    if side > 4 * SIZE:
        return side
    return model.run(np.zeros((1, side, side, 3), np.uint8), heatmaps=True, embeddings=True)


def _cards(_folder: Path) -> list[bytes]:
    return [tiny_card().to_json().encode()]


@contextmanager
def _card_reader(_folder: Path) -> Iterator[Parse]:
    yield lambda data: Card.from_json(data.decode("utf-8", "replace"))


def _recipes(folder: Path) -> list[bytes]:
    texts = []
    for name in recipe_names():
        write_recipe(read_recipe(name), folder / "seed.yaml")
        texts.append((folder / "seed.yaml").read_bytes())
    return texts


def _read_recipe(path: Path) -> object:
    return read_recipe(str(path))


def _zips(_folder: Path) -> list[bytes]:
    seeds = []
    for method in METHODS:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name in ("a.png", "folder/ä.png", "./b.png"):
                archive.writestr(name, _encoded("PNG"))
            archive.writestr("notes.txt", b"text")
        seeds.append(stream.getvalue())
    return seeds


def _requests(_folder: Path) -> list[bytes]:
    image = base64.b64encode(_encoded("PNG")).decode()
    bodies: list[tuple[str, str, Any]] = [
        ("POST", "/v1/predict", {"images": [{"name": "a.png", "data": image}]}),
        ("POST", "/v1/cases", {"name": "case", "notes": "n", "threshold": 0.5}),
        ("PATCH", "/v1/cases/CASE", {"name": "other", "notes": "m", "threshold": 0.25}),
        ("PATCH", "/v1/cases/CASE/cells", {"cells": [1, 2], "subject": "7"}),
        ("PUT", "/v1/cases/CASE/cells/1/review", {"label": "ALL", "reviewer": "A", "note": "n"}),
    ]
    return [f"{verb} {path}\n{json.dumps(body)}".encode() for verb, path, body in bodies]


@contextmanager
def _client(folder: Path) -> Iterator[tuple[Any, str]]:
    from fastapi.testclient import TestClient

    from leukoscope.app.server import create_app
    from leukoscope.app.settings import Settings

    model = write_tiny_model(folder / "tiny.onnx")
    app = create_app(Settings(model=model, ephemeral=True, workers=1))
    address = "http://127.0.0.1"
    with TestClient(app, base_url=address, raise_server_exceptions=False) as client:
        case = client.post("/v1/cases", json={"name": "fuzzed"}).json()["id"]
        files = [("files", ("a.png", _encoded("PNG")))]
        client.post("/v1/predict", params={"case": case}, files=files)
        yield client, case


@contextmanager
def _uploads(folder: Path) -> Iterator[Parse]:
    with _client(folder) as (client, _):

        def parse(data: bytes) -> object:
            answer = client.post("/v1/predict", files=[("files", ("cells.zip", data))])
            if answer.status_code >= 500:
                raise BadAnswerError(f"{answer.status_code} {answer.text[:200]}")
            reasons = [one["reason"] for one in answer.json().get("answers", [])]
            return f"{answer.status_code} {reasons or answer.text}"

        yield parse


@contextmanager
def _rest(folder: Path) -> Iterator[Parse]:
    with _client(folder) as (client, case):

        def parse(data: bytes) -> object:
            head, _, body = data.partition(b"\n")
            verb, _, path = head.decode("latin-1").partition(" ")
            known = [line.partition(b"\n")[0] for line in _requests(folder)]
            if head not in known:  # the bodies are fuzzed, not the routes
                verb, path = "POST", "/v1/cases"
            headers = {"content-type": "application/json"}
            url = path.replace("CASE", case)
            answer = client.request(verb, url, content=body, headers=headers)
            if answer.status_code >= 500:
                raise BadAnswerError(f"{answer.status_code} {answer.text[:200]}")
            return f"{answer.status_code} {answer.text if answer.status_code >= 400 else head}"

        yield parse


JSON_TOKENS = (b"null", b"true", b"1e999", b"-1", b"NaN", b'"\\ud800"', b"[[", b"{}", b'"\\u0000"')
YAML_TOKENS = (b"&a ", b"*a", b"!!python/object:os.system", b"[[[[", b"{", b"? ", b"<<: ", b"1e999")
CSV_TOKENS = (b'"', b";", b"\t", b"\r", b"\0", b"sep=", b"\xff\xfe", b"=1+1", b"nan", b"9" * 25)
ZIP_TOKENS = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"./", b"../")

PARSERS = {
    "checkpoint": Parser(
        checkpoints, _from_file("last.safetensors", read_checkpoint), (TrainingError,)
    ),
    "database": Parser(databases, _from_file("cases.sqlite3", open_database), (StoreError,)),
    "image": Parser(_images, _decoder, (ImageError,)),
    "csv": Parser(
        _tables(".csv"), _from_file("t.csv", read_cohort_table), (LeukoscopeError,), CSV_TOKENS
    ),
    "jsonl": Parser(
        _tables(".jsonl"), _from_file("t.jsonl", read_cohort_table), (LeukoscopeError,), JSON_TOKENS
    ),
    "parquet": Parser(
        _tables(".parquet"), _from_file("t.parquet", read_cohort_table), (LeukoscopeError,)
    ),
    "zip": Parser(_zips, _uploads, (), ZIP_TOKENS),
    "model": Parser(_models, _from_file("m.onnx", _run_model), (ModelFileError,)),
    "card": Parser(_cards, _card_reader, (ModelFileError,), JSON_TOKENS),
    "recipe": Parser(
        _recipes,
        _from_file("r.yaml", _read_recipe),
        (RecipeError,),
        YAML_TOKENS,
    ),
    "rest": Parser(_requests, _rest, (), JSON_TOKENS),
}
