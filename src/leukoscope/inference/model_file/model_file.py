"""Model files: one .onnx file with the network, its preprocessing and its card.

Input `cells`: uint8 (N, S, S, 3), RGB, the crop at fixed scale; or, if the card names descriptors,
`features`: float32 (N, F), measured on the crop. Outputs: `logit` (N,), `embedding` (N, d) and, if
the card says so, `heatmap` (N, h, w).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.errors import ModelFileError
from leukoscope.core.files import atomic_path
from leukoscope.data.descriptors import NAMES, describe
from leukoscope.inference.model_file import onnx_proto
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.networks import WholeNetwork, open_network, without_heatmap
from leukoscope.inference.model_file.operators import refused
from leukoscope.inference.model_file.session import run, short_error
from leukoscope.inference.model_file.signature import (
    CELLS_INPUT,
    FEATURES_INPUT,
    HEATMAP,
    descriptor_problem,
)

if TYPE_CHECKING:
    import onnxruntime as ort

Cells = np.ndarray | Sequence[np.ndarray]
"""An array of N crops, or of their descriptors, or a sequence of N."""
CARD_KEY = "leukoscope.card"
MAX_BYTES = 1 << 30  # a protocol buffer has at most 2 GiB; models of cells are far smaller


@dataclass(frozen=True)
class ModelOutput:
    """Outputs of a model for N cells.

    Attributes:
        logit: float32 (N,).
        heatmap: float32 (N, h, w), or None.
        embedding: float32 (N, d), or None.
    """

    logit: np.ndarray
    heatmap: np.ndarray | None = None
    embedding: np.ndarray | None = None


@dataclass(frozen=True)
class ModelFile:
    """An opened model. `run` may be called from several threads at once.

    Attributes:
        path: The file.
        card: Its card.
        session: The network, without its heatmap.
        whole: The network with its exact heatmap; None if it has none.
        seconds: Time limit of one call of the network; None for no limit.
    """

    path: Path
    card: Card
    session: "ort.InferenceSession"
    whole: WholeNetwork | None = None
    seconds: float | None = None

    def inputs(self, cells: Cells) -> np.ndarray:
        """Compute the network's input for some cells: the crops, or their descriptors.

        Args:
            cells: uint8 (N, S, S, 3), from `leukoscope.data.imaging.image.fixed_scale_crop`.

        Returns:
            uint8 (N, S, S, 3), or float32 (N, F) in the order of the card's descriptors.
        """
        if self.card.descriptors is None:
            return np.asarray(cells)
        columns = [NAMES.index(name) for name in self.card.descriptors.names]
        return np.stack([describe(cell)[columns] for cell in cells])

    def run(self, cells: Cells, *, heatmaps: bool = False, embeddings: bool = False) -> ModelOutput:
        """Apply the model to cells.

        Args:
            cells: uint8 (N, S, S, 3), from `leukoscope.data.imaging.image.fixed_scale_crop`.
            heatmaps: Return the exact heatmaps as well, if the model has them.
            embeddings: Return the embeddings as well.

        Raises:
            ModelFileError: ONNX Runtime cannot run the network, for example for lack of memory.
        """
        inputs = cells if self.card.descriptors is None else self.inputs(cells)  # without a copy
        return self.run_inputs(inputs, heatmaps=heatmaps, embeddings=embeddings)

    def run_inputs(
        self, inputs: Cells, *, heatmaps: bool = False, embeddings: bool = False
    ) -> ModelOutput:
        """Apply the network to the result of `inputs`; otherwise like `run`.

        One cell at a time: arithmetic on a batch may round differently with other images in it, and
        the answer for an image must not depend on the others. A batch is not faster on one core.
        """
        names = ["logit"]
        if heatmaps and self.whole is not None:
            names.append(HEATMAP)
        if embeddings:
            names.append("embedding")
        rows = [self._session_run(names, row[None]) for row in inputs]
        values = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
        return ModelOutput(**dict(zip(names, values, strict=True)))

    def run_batched(self, inputs: np.ndarray) -> ModelOutput:
        """Run one batch in a single call, as another program may do; the logits alone."""
        return ModelOutput(*self._session_run(["logit"], inputs))

    def _session_run(self, names: list[str], inputs: np.ndarray) -> list[np.ndarray]:
        name = CELLS_INPUT if self.card.descriptors is None else FEATURES_INPUT
        session = self.whole.open() if self.whole and HEATMAP in names else self.session
        try:
            return run(session, names, {name: inputs}, self.seconds)
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelFileError(
                f"{self.path}: the model fails to run: {short_error(error)}"
            ) from error


def default_model() -> Path:
    """The path of the model that ships with the package.

    Raises:
        ModelFileError: This installation has none.
    """
    path = Path(str(resources.files("leukoscope.inference") / "default.onnx"))
    if not path.is_file():
        raise ModelFileError(
            "this installation has no shipped model; name a model file, or train one with: "
            "leukoscope train DIR"
        )
    return path


def load(
    path: Path | str,
    *,
    card: Card | None = None,
    threads: int = 1,
    seconds: float | None = None,
    whole: bool = False,
) -> ModelFile:
    """Open a model file and check it.

    The file is read once, and a network with weights in other files is refused, so that no other
    file is ever opened.

    Args:
        path: The .onnx file.
        card: The card, for a file that is being made and has none yet.
        threads: Threads of ONNX Runtime inside one `run`. One is best if several threads call
            `run`, as in `predictor`.
        seconds: Time limit of one call of the network; None for no limit.
        whole: Open the network with its heatmap at once, and not when one is first asked for.

    Raises:
        ModelFileError: The file is missing, is not an ONNX file, has no valid card, or its inputs
            or outputs are not those described at the top of this module. Type and shape of the
            heatmap are checked when the network is opened with it.
    """
    path = Path(path)
    data = _read(path)
    card = card or _card(path, data)
    if problem := descriptor_problem(card):
        raise ModelFileError(f"{path}: {problem}")
    if card.heatmap != "cam":
        return ModelFile(path, card, open_network(path, card, data, threads), seconds=seconds)
    mapped = WholeNetwork(path, card, data, threads)
    session = open_network(path, card, without_heatmap(path, data), threads)
    if whole:
        mapped.open()
    return ModelFile(path, card, session, mapped, seconds)


def read_card(path: Path | str) -> Card:
    """Read the card alone, without opening the network.

    Raises:
        ModelFileError: The file cannot be read or has no valid card.
    """
    path = Path(path)
    return _card(path, _read(path))


def write_card(path: Path | str, card: Card) -> None:
    """Set the card of an ONNX file, atomically; the network keeps every byte.

    Raises:
        ModelFileError: `path` is not an ONNX file.
    """
    path = Path(path)
    data = onnx_proto.set_metadata(_read(path), CARD_KEY, card.to_json())
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def read_opsets(path: Path | str) -> dict[str, int]:
    """The versions of the operator sets in a model file, by domain."""
    return onnx_proto.opsets(_read(Path(path)))


def _read(path: Path) -> bytes:
    """The bytes of a self-contained ONNX file."""
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise ModelFileError(f"{path} {what}; name a model file (.onnx) or a run folder")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFileError(f"{path} is {size >> 20} MiB, larger than any Leukoscope model")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path} can't be read: {reason}") from error
    if data[:1] == b"\x80" or data[:4] == b"PK\x03\x04":
        raise ModelFileError(
            f"{path} is a Python pickle or a PyTorch checkpoint, which Leukoscope never opens; "
            "name a model file (.onnx)"
        )
    try:
        if not any(
            number == onnx_proto.MODEL_GRAPH for number, *_ in onnx_proto.fields(memoryview(data))
        ):
            raise onnx_proto.ProtoError("it has no network")
        external = onnx_proto.has_external_data(data)
        strangers = refused(onnx_proto.operators(data))
    except onnx_proto.ProtoError as error:
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {error}") from error
    if external:
        raise ModelFileError(
            f"{path} has weights in another file, which Leukoscope never opens; "
            "save the model as one file"
        )
    if strangers:
        raise ModelFileError(
            f"{path} uses operators that model files may not have: {', '.join(strangers[:5])}; "
            "docs/model-file.md lists the allowed ones"
        )
    return data


def _card(path: Path, data: bytes) -> Card:
    try:
        text = onnx_proto.metadata(data).get(CARD_KEY)
    except onnx_proto.ProtoError as error:
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {error}") from error
    if text is None:
        raise ModelFileError(
            f"{path} is an ONNX file without a Leukoscope card; name a model that "
            "`leukoscope train` exported"
        )
    try:
        return Card.from_json(text)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
