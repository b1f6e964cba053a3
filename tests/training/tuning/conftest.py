from pathlib import Path

import pytest

from tests.training.tiny import write_cells


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 48 cells of 12 persons."""
    return write_cells(tmp_path_factory.mktemp("tuned") / "cells", persons=6)


@pytest.fixture(params=["sqlite", "journal", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new place for studies of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    if request.param == "journal":
        return f"journal:{tmp_path / 'study.log'}"
    return str(request.getfixturevalue("postgresql").new_database())
