"""The network of a model file, opened twice at most: for predictions, and whole for heatmaps.

ONNX Runtime runs every node of a network, so the network for predictions has none of the nodes that
only the heatmap needs (`pruning`).
"""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file import onnx_proto
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.pruning import without_output
from leukoscope.inference.model_file.session import open_session
from leukoscope.inference.model_file.signature import HEATMAP, signature_problems

if TYPE_CHECKING:
    import onnxruntime as ort


class WholeNetwork:
    """A network with its exact heatmap, opened when a heatmap is first asked for.

    Args:
        path: The file, for errors.
        card: Its card.
        data: Its bytes.
        threads: Threads of one run.
    """

    def __init__(self, path: Path, card: Card, data: bytes, threads: int) -> None:
        self._opened = partial(open_network, path, card, data, threads, heatmap=True)
        self._session: ort.InferenceSession | None = None
        self._lock = Lock()

    def open(self) -> "ort.InferenceSession":
        """Open the network, once.

        Raises:
            ModelFileError: Its outputs are not those of the card.
        """
        with self._lock:
            if self._session is None:
                self._session = self._opened()
            return self._session


def without_heatmap(path: Path, data: bytes) -> bytes:
    """The network that predictions need.

    Args:
        path: The file, for errors.
        data: Its bytes.

    Raises:
        ModelFileError: The file is damaged, or it has no heatmap.
    """
    try:
        fewer = without_output(data, HEATMAP)
    except onnx_proto.ProtoError as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    if fewer is None:
        raise ModelFileError(f"{path}: the output {HEATMAP} is missing; export the model again")
    return fewer


def open_network(
    path: Path, card: Card, data: bytes, threads: int, *, heatmap: bool = False
) -> "ort.InferenceSession":
    """Open a network and compare its inputs and outputs with the card.

    Args:
        path: The file, for errors.
        card: Its card.
        data: Its bytes.
        threads: Threads of one run; 0 for one per core.
        heatmap: The network has the heatmap that the card states.

    Raises:
        ModelFileError: ONNX Runtime rejects the network, or it is not that of the card.
    """
    session = open_session(path, data, threads)
    try:
        problems = signature_problems(card, session, heatmap=heatmap)
    except UnicodeDecodeError as error:  # ONNX Runtime does not check names
        raise ModelFileError(f"{path} is damaged: a name in it is not text") from error
    if problems:
        raise ModelFileError(f"{path}: {problems[0]}; export the model again")
    return session
