import json
from importlib import metadata

import pytest

from leukoscope.core.installing import install_command

COMMIT = "0123456789"


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'leukoscope[train]'"),
        ("damaged", "pip install 'leukoscope[train]'"),
        ({"url": "file:///a/b%20c", "dir_info": {}}, "pip install '/a/b c[train]'"),
        (
            {"url": "file:///a/b", "dir_info": {"editable": True}},
            "pip install -e '/a/b[train]'",
        ),
        ({"url": "file:///a/x-1-py3-none-any.whl"}, "pip install '/a/x-1-py3-none-any.whl[train]'"),
        (
            {"url": "https://h.org/x.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"pip install 'leukoscope[train] @ git+https://h.org/x.git@{COMMIT}'",
        ),
        ({"url": "https://h.org/x.whl"}, "pip install 'leukoscope[train] @ https://h.org/x.whl'"),
    ],
)
def test_an_extra_is_installed_from_where_the_package_is_from(
    monkeypatch: pytest.MonkeyPatch, origin: object, command: str
) -> None:
    text = origin if origin is None or isinstance(origin, str) else json.dumps(origin)

    class Installed:
        def read_text(self, _name: str) -> str | None:
            return text

    monkeypatch.setattr(metadata, "distribution", lambda _name: Installed())
    assert install_command("train") == command


def test_a_program_that_is_not_installed_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    assert install_command("pandas") == "pip install 'leukoscope[pandas]'"
