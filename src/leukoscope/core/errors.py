"""One exception tree. A message says in one line what is wrong, where, and what to do next."""

from collections.abc import Mapping

from leukoscope.core.installing import install_command
from leukoscope.core.printable import LONGEST_ERROR, cut

RESEARCH_USE = "Research use only. Not for diagnosis."


class LeukoscopeError(Exception):
    """An error that a user can correct. The command line prints it and ends with `exit_code`."""

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        super().__init__(cut(message, LONGEST_ERROR))


class FileError(LeukoscopeError, OSError):
    """A file cannot be written: the disk is full, or the folder is read-only."""


class ImageError(LeukoscopeError):
    """One file cannot be used as a cell image."""


class CohortError(LeukoscopeError):
    """A data set cannot be read as a table of cells."""


class SplitError(LeukoscopeError):
    """Persons cannot be divided as asked."""


class LeakageError(LeukoscopeError):
    """The same person or image would be on both sides of an evaluation."""


class RecipeError(LeukoscopeError):
    """A recipe has a wrong field or value."""


class TrainingError(LeukoscopeError):
    """A run cannot start, resume or continue."""


class SeedError(CohortError, SplitError, TrainingError):
    """A random seed is not a whole number in range. Its bases are what earlier versions raised."""


class TuningError(LeukoscopeError):
    """A study cannot start or continue."""


class DatabaseError(LeukoscopeError):
    """A database is not named as one that can be used."""


class ModelFileError(LeukoscopeError):
    """A model file cannot be read or written."""


class ParityError(ModelFileError):
    """The exported model does not answer as the trained one does."""


class DownloadError(LeukoscopeError):
    """A data set or a file of weights could not be fetched."""


class ServeError(LeukoscopeError):
    """The server cannot start as asked."""


class ServerError(LeukoscopeError):
    """A server cannot be reached, or refused a request; `status` is then the HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MissingExtraError(LeukoscopeError):
    """The installation lacks an extra that a command needs."""


# The packages that an extra of pyproject.toml brings beyond the core, by the name they import by.
EXTRAS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "cv2",
            "huggingface_hub",
            "lightning_fabric",
            "matplotlib",
            "onnx",
            "onnxscript",
            "optuna",
            "safetensors",
            "scipy",
            "skl2onnx",
            "sklearn",
            "timm",
            "torch",
            "torchvision",
        ),
        "train",
    ),
    **dict.fromkeys(("fsspec", "pyarrow", "ray"), "cluster"),
    "httpx": "client",
    "kagglehub": "download",
    "mlflow": "mlflow",
    "pandas": "pandas",
    "pg8000": "postgres",
    "tensorboard": "tensorboard",
    "usearch": "large",
}


def missing_extra(command: str, error: ImportError) -> ImportError | MissingExtraError:
    """Return the error to raise where an import failed.

    Args:
        command: The command or feature, as a user would name it.
        error: The failed import.

    Returns:
        The extra to install, if one brings the module; otherwise `error`, which is a bug.
    """
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None or not isinstance(error, ModuleNotFoundError):
        return error
    return MissingExtraError(
        f"{command} needs the package {error.name!r}, which is not installed. "
        f"Install it with: {install_command(extra)}"
    )
