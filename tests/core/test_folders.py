"""The user's folders on each operating system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leukoscope.core.folders import cache_folder, data_folder

# platformdirs chooses the operating system as it is imported.
CODE = """
import sys
sys.platform = sys.argv[1]
from platformdirs import user_data_path
from leukoscope.core.folders import cache_folder, data_folder
print(data_folder().as_posix(), cache_folder().as_posix(), sep="|")
"""


def folders_on(platform: str, **environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    ended = subprocess.run(
        [sys.executable, "-c", CODE, platform],
        env={**kept, "HOME": "/home/ada", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip().split("|")


def test_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for relative in ("", "data"):
        monkeypatch.setenv("XDG_DATA_HOME", relative)
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert data_folder() == Path("/home/ada/.local/share/leukoscope")
        assert cache_folder() == Path("/home/ada/.cache/leukoscope")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert (data_folder(), cache_folder()) == (Path("/data/leukoscope"), Path("/cache/leukoscope"))


def test_on_macos() -> None:
    assert folders_on("darwin") == [
        "/home/ada/Library/Application Support/leukoscope",
        "/home/ada/Library/Caches/leukoscope",
    ]
