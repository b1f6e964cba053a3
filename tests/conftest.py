import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import PostgreSQL, running_postgresql

CNMC = "LEUKOSCOPE_CNMC"


@pytest.fixture(scope="session")
def cnmc_dir() -> Path:
    """The real C-NMC images, or a skip where they are absent."""
    named = os.environ.get(CNMC)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else cache / "leukoscope" / "cnmc"
    if not folder.is_dir() or next(folder.rglob("*.bmp"), None) is None:
        pytest.skip(f"no C-NMC images in {folder}; set {CNMC} to a copy")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server; skips where none is installed."""
    with running_postgresql() as server:
        yield server
