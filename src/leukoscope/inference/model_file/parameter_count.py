"""Number of parameters of a network, from its model file."""

from pathlib import Path

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file import onnx_proto


def count_parameters(path: Path | str) -> int:
    """Count the floating-point values in the initializers of an ONNX file.

    An estimator has its parameters in attributes of its nodes, so this does not count them.

    Raises:
        ModelFileError: The file cannot be read.
    """
    try:
        return onnx_proto.count_float_initializers(Path(path).read_bytes())
    except (OSError, onnx_proto.ProtoError) as error:
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {error}") from error
