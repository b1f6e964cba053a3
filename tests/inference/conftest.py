from pathlib import Path

import pytest

from leukoscope.inference.model_file.model_file import ModelFile, load
from tests.inference.tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def model(model_path: Path) -> ModelFile:
    return load(model_path)
