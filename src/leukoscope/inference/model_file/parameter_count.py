"""How many numbers a network has learned, as its model file holds them."""

from pathlib import Path

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file import onnx_proto


def count_parameters(path: Path | str) -> int:
    """Count the floating numbers in the initializers of an ONNX file.

    An estimator keeps what it has learned in attributes of its nodes: for it this is no measure.

    Raises:
        ModelFileError: if the file can't be read.
    """
    try:
        return onnx_proto.floating_initializers(Path(path).read_bytes())
    except (OSError, onnx_proto.WireError) as error:
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {error}") from error
