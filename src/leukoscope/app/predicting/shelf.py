"""The other models of a server: known by their cards, and loaded when one is first used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from leukoscope.app.predicting.engine import Engine
from leukoscope.core.errors import ModelFileError
from leukoscope.core.files import sha256_file
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import read_card


@dataclass(frozen=True)
class ShelvedModel:
    """A model file that can be loaded."""

    path: Path
    card: Card


class Shelf:
    """Model files by their sha256; safe in several threads.

    Args:
        models: The files.
        make: Loads one.
    """

    def __init__(self, models: Mapping[str, ShelvedModel], make: Callable[[Path], Engine]) -> None:
        self.models = models
        self._make = make
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()

    def engine(self, sha256: str) -> Engine:
        """The running engine of a model; loads it at its first use, which takes a second.

        Raises:
            KeyError: No model has this sha256.
            ModelFileError: The model cannot be used.
        """
        shelved = self.models[sha256]
        with self._lock:
            if sha256 not in self._engines:
                engine = self._make(shelved.path)
                engine.batcher.start()
                self._engines[sha256] = engine
            return self._engines[sha256]

    def stop(self, timeout: float) -> None:
        """Stop all engines."""
        with self._lock:
            for engine in self._engines.values():
                engine.batcher.stop(timeout)


def read_folder(folder: Path | None, *, but: str) -> dict[str, ShelvedModel]:
    """The model files of a folder by their sha256, in the order of their names.

    Args:
        folder: A folder; None for no models.
        but: sha256 of a file to leave out.

    Raises:
        ModelFileError: There is no such folder, or no model file in it, or one cannot be read.
    """
    if folder is None:
        return {}
    paths = sorted(folder.glob("*.onnx"))
    if not paths:
        raise ModelFileError(f"{folder} has no model file (*.onnx); name a folder with models")
    found = {sha256_file(path): ShelvedModel(path, read_card(path)) for path in paths}
    found.pop(but, None)
    return found
