from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's cache out of it."""
    monkeypatch.setenv("LEUKOSCOPE_CACHE", str(tmp_path_factory.getbasetemp() / "crops"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"
