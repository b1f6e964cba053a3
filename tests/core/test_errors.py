"""Which extra a failed import names."""

import tomllib
from importlib.metadata import packages_distributions

import pytest

from leukoscope.core.errors import EXTRAS, MissingExtraError, missing_extra
from tests.root import ROOT

RUNTIME = (
    *("cluster", "large", "train", "client", "pandas", "postgres", "download"),
    *("mlflow", "tensorboard"),
)


def test_every_package_of_an_extra_is_known_by_the_name_it_imports_by() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules.setdefault(distribution.lower().replace("_", "-"), set()).add(module)
    for extra in RUNTIME:
        for requirement in project["optional-dependencies"][extra]:
            distribution = requirement.partition(">")[0]
            if distribution in modules:  # kagglehub is not installed for development
                assert extra in {EXTRAS.get(module) for module in modules[distribution]}
    assert set(EXTRAS.values()) == set(RUNTIME)


def test_a_module_of_an_extra_names_the_extra() -> None:
    error = missing_extra("train", ModuleNotFoundError("no", name="sklearn.svm"))
    assert isinstance(error, MissingExtraError)
    assert "[train]" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("no", name="fcntl"),
        ModuleNotFoundError("no", name="leukoscope.gone"),
        ModuleNotFoundError("no"),
        ImportError("cannot import name 'x' from 'torch'", name="torch"),
    ],
    ids=str,
)
def test_any_other_failed_import_stays_what_it_is(error: ImportError) -> None:
    assert missing_extra("train", error) is error
