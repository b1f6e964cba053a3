import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.app.live import Live, running
from tests.app.postgresql import PostgreSQL, running_postgresql


def clean_environment(home: Path) -> dict[str, str]:
    """The environment for a server that must not find the user's own cases or token."""
    own = ("LEUKOSCOPE_TOKEN", "LEUKOSCOPE_DATABASE")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real, ready server with the shipped model that keeps its cases in memory; one for all."""
    home = tmp_path_factory.mktemp("home")
    with running("--ephemeral", env=clean_environment(home)) as live:
        yield live


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Start real, ready servers with options of one's own; they end with the test.

    Without `--ephemeral` or `--database`, servers of one test share the SQLite file of one user.
    """
    with ExitStack() as stack:

        def start(*options: str) -> Live:
            return stack.enter_context(running(*options, env=clean_environment(tmp_path)))

        yield start


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server; skips where none is installed."""
    with running_postgresql() as server:
        yield server
