"""No command reports its use: no file of a dependency appears, and no host is looked up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leukoscope.core.telemetry import SWITCHES, disable_telemetry
from tests.root import ROOT

pytestmark = pytest.mark.slow(8)

EXAMPLES = ROOT / "src" / "leukoscope" / "app" / "examples"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the package with an empty home folder and none of the switches."""
    environment = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment.pop(name, None)
    environment |= {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=True
    )


COMMANDS = [
    ["predict", str(EXAMPLES), "--out", "rows.csv"],
    ["model", "show"],
    ["model", "verify"],
    ["recipes"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[:2]))
def test_a_command_leaves_nothing_in_the_home_folder(tmp_path: Path, arguments: list[str]) -> None:
    run(tmp_path, sys.executable, "-m", "leukoscope", *arguments)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left <= {"rows.csv"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("arguments", COMMANDS[:2], ids=lambda arguments: arguments[0])
def test_a_command_opens_no_internet_socket(tmp_path: Path, arguments: list[str]) -> None:
    log = tmp_path / "calls"
    trace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(log)]
    run(tmp_path, *trace, sys.executable, "-m", "leukoscope", *arguments)
    assert "AF_INET" not in log.read_text()


def test_a_choice_of_the_user_is_kept() -> None:
    environment = {"ORT_DISABLE_TELEMETRY": "0"}
    disable_telemetry(environment)
    assert environment == {**SWITCHES, "ORT_DISABLE_TELEMETRY": "0"}


def test_the_server_is_not_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the environment asks FastAPI for it, and spans are collected."""
    pytest.importorskip("opentelemetry.sdk.trace", reason="OpenTelemetry is not installed")
    code = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
exporter = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
with TestClient(create_app(Settings(ephemeral=True)), base_url="http://127.0.0.1") as client:
    print(client.get("/v1/models").status_code, len(exporter.get_finished_spans()))
"""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    ended = run(tmp_path, sys.executable, "-c", code)
    assert ended.stdout.split() == ["200", "0"]
