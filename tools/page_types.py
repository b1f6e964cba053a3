"""Write the types of the REST API for the type checker of the page, from the OpenAPI document.

    python tools/page_types.py        # writes src/leukoscope/app/page/server/types.js

A test fails while the file and the schemas differ.
"""

import argparse
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from leukoscope.app.http.openapi import document
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings

TYPES = Path(str(files("leukoscope.app") / "page" / "server" / "types.js"))
HEAD = """\
/**
 * The schemas of the REST API, for the type checker. Written by tools/page_types.py: do not edit.
 *
"""
SIMPLE = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def page_types(openapi: dict[str, Any]) -> str:
    """A script with one JSDoc typedef for each schema of an OpenAPI document."""
    schemas = openapi["components"]["schemas"]
    blocks = [_typedef(name, schemas[name]) for name in sorted(schemas)]
    return HEAD + " *\n".join(blocks) + " */\n\nexport {};\n"


def _typedef(name: str, schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return f" * @typedef {{{_type(schema)}}} {name}\n"
    required = schema.get("required", ())
    lines = [f" * @typedef {{object}} {name}\n"]
    for field, value in schema["properties"].items():
        shown = field if field in required else f"[{field}]"
        lines.append(f" * @property {{{_type(value)}}} {shown}\n")
    return "".join(lines)


def _type(schema: dict[str, Any]) -> str:
    """A type of a JSON schema in the notation of TypeScript."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return "|".join(map(_type, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return "|".join(map(json.dumps, schema.get("enum", [schema.get("const")])))
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(_type, schema['prefixItems']))}]"
        item = _type(schema["items"])
        return f"({item})[]" if "|" in item else f"{item}[]"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"Record<string, {'any' if values is True else _type(values)}>"
    return SIMPLE.get(str(kind), "any")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    TYPES.write_text(page_types(document(create_app(Settings(ephemeral=True)))), encoding="utf-8")
    print(TYPES)


if __name__ == "__main__":
    main()
