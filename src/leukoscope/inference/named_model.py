"""The model among what a user named: a model file, a run, or the weights of another program."""

from collections.abc import Sequence
from pathlib import Path

from leukoscope.core.errors import ModelFileError

# Files of other programs count as the model, so that they are refused instead of passed over.
SUFFIXES = frozenset(
    [
        ".onnx",
        ".pt",
        ".pth",
        ".ckpt",
        ".bin",
        ".h5",
        ".hdf5",
        ".keras",
        ".safetensors",
        ".pkl",
        ".pickle",
        ".joblib",
        ".tflite",
        ".pb",
        ".npz",
        ".mlmodel",
        ".gguf",
        ".engine",
        ".pdparams",
    ]
)
IN_RUN = "model.onnx"


def split_model(paths: Sequence[Path], model: Path | None) -> tuple[Path | None, list[Path]]:
    """Tell the model from the images.

    Args:
        paths: What the user named, in any order.
        model: The model that was named as such.

    Returns:
        The model file, or None if none was named; and everything else.

    Raises:
        ModelFileError: More than one model.
    """
    named = [path for path in paths if _is_model(path)]
    models = [*([model] if model is not None else []), *named]
    if len(models) > 1:
        raise ModelFileError(
            f"{models[0]}, {models[1]}: two models; name one, and run the command again for the "
            "other."
        )
    images = [path for path in paths if path not in named]
    if not models:
        return None, images
    return (models[0] / IN_RUN if _is_run(models[0]) else models[0]), images


def _is_model(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or _is_run(path)


def _is_run(path: Path) -> bool:
    try:
        return (path / IN_RUN).is_file()
    except (OSError, ValueError):  # a name that leads nowhere
        return False
