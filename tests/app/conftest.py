import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI

import leukoscope as ls
from leukoscope.app.limits import Limits
from leukoscope.app.server import create_app
from leukoscope.app.settings import Settings
from tests import forked
from tests.app.live import Live, in_thread, running
from tests.inference.tiny_model import write_tiny_model


def clean_environment(home: Path) -> dict[str, str]:
    """The environment for a server that must not find the user's own cases or token."""
    own = ("LEUKOSCOPE_TOKEN", "LEUKOSCOPE_DATABASE")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real, ready server with the shipped model that keeps its cases in memory; one for all."""
    home = tmp_path_factory.mktemp("home")
    with running("--ephemeral", env=clean_environment(home), start=forked.start) as live:
        yield live


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Start real, ready servers with options of one's own; they end with the test.

    Without `--ephemeral` or `--database`, servers of one test share the SQLite file of one user.
    """
    with ExitStack() as stack:

        def start(*options: str) -> Live:
            return stack.enter_context(
                running(*options, env=clean_environment(tmp_path), start=forked.start)
            )

        yield start


@pytest.fixture(scope="session")
def drawn_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 36 synthetic cells and a broken file."""
    folder = tmp_path_factory.mktemp("cells")
    ls.make_synthetic(folder / "drawn", persons=6, cells=6, seed=3)
    (folder / "UID_9_1_1_all.bmp").write_bytes(b"BM, and no more")
    return folder


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """URLs of servers with a tiny model and limits of one's own, each in a thread."""
    model = write_tiny_model(tmp_path / "tiny.onnx")
    with ExitStack() as stack:

        def start(change: Callable[[FastAPI], None] = lambda app: None, **limits: float) -> str:
            app = create_app(
                Settings(model=model, ephemeral=True, workers=1, limits=Limits(**limits))
            )
            change(app)
            return stack.enter_context(in_thread(app))

        yield start
