"""The OpenAPI document is true: schemathesis asks every route what it promises, and more."""

from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.live import PATIENCE, Live
from tests.inference.bad_images import encode
from tests.inference.tiny_model import cell_image

pytestmark = pytest.mark.slow(5)

if TYPE_CHECKING:
    from schemathesis import BaseSchema

ROUTES = {
    "/v1/predict": {"post"},
    "/v1/fields": {"post"},
    "/v1/fields/cells": {"post"},
    "/v1/explain": {"post"},
    "/v1/models": {"get"},
    "/v1/examples": {"get"},
    "/v1/examples/{name}": {"get"},
    "/v1/cases": {"get", "post"},
    "/v1/cases/{case_id}": {"get", "patch", "delete"},
    "/v1/cases/{case_id}/cells": {"patch"},
    "/v1/cases/{case_id}/cells/{cell_id}": {"delete"},
    "/v1/cases/{case_id}/cells/{cell_id}/review": {"put"},
    "/v1/cases/{case_id}/cells/{cell_id}/image": {"get"},
    "/v1/cases/{case_id}/cells/{cell_id}/explain": {"get"},
    "/v1/cases/{case_id}/reviews": {"put"},
    "/v1/cases/{case_id}/undo": {"post"},
    "/v1/cases/{case_id}/export": {"get"},
    "/v1/vocabulary": {"get"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


@pytest.fixture(scope="session")
def document(live_server: Live) -> dict:
    return httpx.get(f"{live_server.url}/openapi.json", timeout=PATIENCE, trust_env=False).json()


@pytest.fixture(scope="session")
def case_with_a_cell(live_server: Live) -> dict[str, object]:
    """Path parameters that lead somewhere."""
    with live_server.client() as client:
        case = client.post("/v1/cases", json={"keep_images": True}).json()["id"]
        sent = {"f": ("UID_7_1_1_all.png", encode(cell_image(), "PNG"))}
        answer = client.post("/v1/predict", params={"case": case}, files=sent).json()["answers"][0]
        name = client.get("/v1/examples").json()[0]["name"]
    return {"case_id": case, "cell_id": answer["cell_id"], "name": name}


@pytest.fixture(scope="session")
def api(live_server: Live) -> "BaseSchema":
    import schemathesis  # takes seconds, and each worker collects this file

    return schemathesis.openapi.from_url(f"{live_server.url}/openapi.json", timeout=PATIENCE)


@pytest.mark.parametrize(
    ("path", "method"), [(path, one) for path, methods in ROUTES.items() for one in sorted(methods)]
)
@settings(max_examples=16, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_route_does_what_it_promises(api, case_with_a_cell, path, method, data):
    from schemathesis import GenerationMode

    mode = data.draw(st.sampled_from(GenerationMode))
    case = data.draw(api[path][method.upper()].as_strategy(generation_mode=mode))
    if data.draw(st.booleans()):  # else hardly any path leads to something that is there
        known = {name: case_with_a_cell[name] for name in case.path_parameters or ()}
        case.path_parameters = known
    if method == "delete" and case.path_parameters == case_with_a_cell:
        return
    case.call_and_validate(timeout=PATIENCE)


def test_every_route_is_described(document):
    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert any(status.startswith("2") for status in operation["responses"]), where
            problems = [s for s in operation["responses"] if s[0] in "45"]
            assert path == "/healthz" or {"401", "403"} <= set(problems), where
            for status in problems:
                content = operation["responses"][status]["content"]["application/json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where


def test_bodies_have_examples_that_work(document, live_server):
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    example = body["application/json"]["examples"]["one"]["value"]
    with live_server.client() as client:
        (answer,) = client.post("/v1/predict", json=example).json()["answers"]
    assert answer["verdict"] == "not a cell"  # it is one black pixel
    assert answer["subject"] == "57"


def test_no_page_that_loads_scripts_from_elsewhere(live_server):
    with live_server.client() as client:
        assert {client.get(path).status_code for path in ("/docs", "/redoc")} == {404}
