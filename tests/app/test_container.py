"""The container file keeps what docs/container.md promises."""

import fnmatch
import json
import re

import pytest

from tests.root import ROOT


@pytest.fixture(scope="module")
def steps():
    """The instructions as (word, rest), long lines joined and comments left out."""
    lines = [
        line
        for line in (ROOT / "Containerfile").read_text().splitlines()
        if not line.startswith("#")
    ]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def last(steps, word):
    return [rest for name, rest in steps if name == word][-1]


def test_it_ends_as_a_user_without_rights(steps):
    user, _, group = last(steps, "USER").partition(":")
    assert int(user) >= 1000  # by number, so that a cluster can tell
    assert int(group) >= 1000
    words = [name for name, _ in steps]
    later = words[len(words) - words[::-1].index("USER") :]
    assert not {"RUN", "COPY", "ADD", "USER"} & set(later)


def test_nothing_is_fetched_but_pinned_packages(steps):
    assert "ADD" not in [name for name, _ in steps]
    runs = " ".join(rest for name, rest in steps if name == "RUN")
    assert not re.search(r"\b(curl|wget|apt-get|https?:)", runs)
    installs = re.findall(r"pip [^&]*\binstall\b[^&]*", runs)
    assert installs
    assert all("--constraint constraints.txt" in install for install in installs)
    assert all("latest" not in rest for name, rest in steps if name in ("FROM", "ARG"))


def test_the_health_check_asks_the_app_and_can_fail(steps):
    command = json.loads(last(steps, "HEALTHCHECK").partition(" CMD ")[2])
    port = json.loads(last(steps, "CMD"))[json.loads(last(steps, "CMD")).index("--port") + 1]
    assert command[:2] == ["python", "-c"]
    assert f"http://127.0.0.1:{port}/healthz" in command[2]
    assert last(steps, "EXPOSE") == port
    unused = command[2].replace(port, "1")
    with pytest.raises(OSError, match="refused"):
        exec(unused, {})


def test_the_health_check_passes_on_a_running_server(steps, live_server):
    command = json.loads(last(steps, "HEALTHCHECK").partition(" CMD ")[2])
    exec(command[2].replace("http://127.0.0.1:8000", live_server.url), {})


def test_data_alone_is_written_and_belongs_to_the_user(steps):
    assert last(steps, "VOLUME") == "/data"
    environment = last(steps, "ENV")
    for name in ("HOME", "XDG_DATA_HOME"):
        assert f"{name}=/data" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    uid = last(steps, "USER").partition(":")[0]
    assert any(f"--owner={uid}" in rest and "/data" in rest for _, rest in steps)


def test_the_command_is_serve_with_options_it_has(steps):
    from typer.main import get_command

    from leukoscope.cli.main import app

    assert json.loads(last(steps, "ENTRYPOINT")) == ["leukoscope"]
    verb, *options = json.loads(last(steps, "CMD"))
    get_command(app).commands[verb].make_context(verb, list(options))
    assert options[options.index("--host") + 1] == "0.0.0.0"


def test_what_is_copied_is_let_into_the_build_and_little_else(steps):
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = [rest.split()[:-1] for name, rest in steps if name == "COPY" and "--from" not in rest]
    assert {source for sources in copied for source in sources} == allowed
    assert not any(fnmatch.fnmatch(name, "*.bmp") for name in allowed)
