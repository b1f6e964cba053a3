"""The types that the page's scripts are checked with are those of the REST API."""

from pathlib import Path

from leukoscope.app.http.openapi import document
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from tests.inference.tiny_model import write_tiny_model
from tools.page_types import TYPES, page_types


def test_types_are_those_of_the_openapi_document(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.onnx")
    app = create_app(Settings(model=model, ephemeral=True))
    assert TYPES.read_text("utf-8") == page_types(document(app))  # else: tools/page_types.py


def test_each_kind_of_schema_has_a_type() -> None:
    schema = {
        "Color": {"type": "string", "enum": ["red", "blue"]},
        "Shape": {
            "type": "object",
            "required": ["sides", "pair"],
            "properties": {
                "sides": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {}]}},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"const": 1}]},
                "color": {"anyOf": [{"$ref": "#/components/schemas/Color"}, {"type": "null"}]},
                "more": {"type": "object"},
            },
        },
    }
    lines = page_types({"components": {"schemas": schema}}).splitlines()
    assert ' * @typedef {"red"|"blue"} Color' in lines
    assert " * @property {(number|any)[]} sides" in lines
    assert " * @property {[string, 1]} pair" in lines
    assert " * @property {Color|null} [color]" in lines
    assert " * @property {Record<string, any>} [more]" in lines
