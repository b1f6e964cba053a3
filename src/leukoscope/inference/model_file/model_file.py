"""One .onnx file is one model: the network, its preprocessing and its card.

Input `cells`: uint8 (N, S, S, 3), RGB, the fixed-scale crop; or, where the card names descriptors,
`features`: float32 (N, F), these measured on the crop. Outputs: `logit` (N,), `embedding` (N, d)
and, where the card says the model has one, `heatmap` (N, h, w).
"""

import os
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
from leukoscope.inference.model_file.signature import (
    CELLS,
    FEATURES,
    descriptor_problem,
    interface_problems,
)

if TYPE_CHECKING:
    import onnxruntime as ort

CARD_KEY = "leukoscope.card"
MAX_BYTES = 1 << 30  # a protocol buffer ends at 2 GiB; no cell model comes near


@dataclass(frozen=True)
class Outputs:
    """What a model says about N cells.

    `logit` float32 (N,), `heatmap` float32 (N, h, w) or None, `embedding` float32 (N, d) or None.
    """

    logit: np.ndarray
    heatmap: np.ndarray | None = None
    embedding: np.ndarray | None = None


@dataclass(frozen=True)
class ModelFile:
    """An opened model. `run` may be called from several threads at once."""

    path: Path
    card: Card
    session: "ort.InferenceSession"

    def inputs(self, cells: np.ndarray) -> np.ndarray:
        """What the network is given of some cells: the crops as they are, or their descriptors.

        Args:
            cells: uint8 (N, S, S, 3), from `leukoscope.data.imaging.image.fixed_scale_crop`.

        Returns:
            uint8 (N, S, S, 3), or float32 (N, F) as the card names them.
        """
        if self.card.descriptors is None:
            return cells
        columns = [NAMES.index(name) for name in self.card.descriptors.names]
        return np.stack([describe(cell)[columns] for cell in cells])

    def run(
        self, cells: np.ndarray, *, heatmaps: bool = False, embeddings: bool = False
    ) -> Outputs:
        """Apply the model to cells.

        Args:
            cells: uint8 (N, S, S, 3), from `leukoscope.data.imaging.image.fixed_scale_crop`.
            heatmaps: also return the exact maps, if the model has them.
            embeddings: also return the embeddings.

        Raises:
            ModelFileError: if ONNX Runtime cannot run the network, for example for lack of memory.
        """
        return self.run_inputs(self.inputs(cells), heatmaps=heatmaps, embeddings=embeddings)

    def run_inputs(
        self, inputs: np.ndarray, *, heatmaps: bool = False, embeddings: bool = False
    ) -> Outputs:
        """Apply the network to what `inputs` made of cells; otherwise as `run`.

        A cell at a time: arithmetic on many may round otherwise in other company, and the answer to
        an image must not depend on the images beside it. A core gains nothing by more at once.
        """
        names = ["logit"]
        if heatmaps and self.card.heatmap == "cam":
            names.append("heatmap")
        if embeddings:
            names.append("embedding")
        rows = [self._session_run(names, row[None]) for row in inputs]
        values = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
        return Outputs(**dict(zip(names, values, strict=True)))

    def run_together(self, inputs: np.ndarray) -> Outputs:
        """The logits of one call of the network for many cells, as another program may run it."""
        return Outputs(*self._session_run(["logit"], inputs))

    def _session_run(self, names: list[str], inputs: np.ndarray) -> list[np.ndarray]:
        given = CELLS if self.card.descriptors is None else FEATURES
        try:
            return self.session.run(names, {given: inputs})
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelFileError(f"{self.path}: the model fails to run: {_short(error)}") from error


def default_model() -> Path:
    """The model that ships with the package.

    Raises:
        ModelFileError: if this installation has none.
    """
    path = Path(str(resources.files("leukoscope.inference") / "default.onnx"))
    if not path.is_file():
        raise ModelFileError(
            "this installation has no shipped model; name a model file, or train one with: "
            "leukoscope train DIR"
        )
    return path


def load(path: Path | str, *, card: Card | None = None, threads: int = 1) -> ModelFile:
    """Open a model file and check that it is one of ours.

    The file is read once, and a network whose weights lie in other files is refused, so nothing but
    this file is ever opened.

    Args:
        path: the .onnx file.
        card: the card of a file that has none yet, while it is being made.
        threads: threads that ONNX Runtime uses inside one `run`. One is best where several threads
            call `run`, as `predictor` does.

    Raises:
        ModelFileError: if it is missing, is not an ONNX file, has no valid card, or if its inputs
            or outputs are not as this module's head has them.
    """
    path = Path(path)
    data = _read(path)
    card = card or _card(path, data)
    if problem := descriptor_problem(card):
        raise ModelFileError(f"{path}: {problem}")
    model = ModelFile(path, card, _session(path, data, threads))
    try:
        problems = interface_problems(card, model.session)
    except UnicodeDecodeError as error:  # ONNX Runtime hands names on as it finds them
        raise ModelFileError(f"{path} is damaged: a name in it is not text") from error
    if problems:
        raise ModelFileError(f"{path}: {problems[0]}; export the model again")
    return model


def read_card(path: Path | str) -> Card:
    """The card alone, without opening the network.

    Raises:
        ModelFileError: if the file can't be read or holds no valid card.
    """
    path = Path(path)
    return _card(path, _read(path))


def write_card(path: Path | str, card: Card) -> None:
    """Set the card of an ONNX file, atomically; the network stays byte for byte as it is.

    Raises:
        ModelFileError: if `path` is not an ONNX file.
    """
    path = Path(path)
    data = onnx_proto.with_metadata(_read(path), CARD_KEY, card.to_json())
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def read_opsets(path: Path | str) -> dict[str, int]:
    """The operator sets a model file uses, by domain."""
    return onnx_proto.opsets(_read(Path(path)))


def _read(path: Path) -> bytes:
    """The bytes of a self-contained ONNX file."""
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise ModelFileError(f"{path} {what}; name a model file (.onnx)")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFileError(f"{path} is {size >> 20} MiB, more than any Leukoscope model")
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
            raise onnx_proto.WireError("no network in it")
        external = onnx_proto.refers_to_other_files(data)
    except onnx_proto.WireError as error:
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {error}") from error
    if external:
        raise ModelFileError(
            f"{path} keeps weights in another file, which Leukoscope never opens; "
            "save the model as one file"
        )
    return data


def _card(path: Path, data: bytes) -> Card:
    try:
        text = onnx_proto.metadata(data).get(CARD_KEY)
    except onnx_proto.WireError as error:
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


def _session(path: Path, data: bytes, threads: int) -> "ort.InferenceSession":
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Waiting threads sleep instead of spinning: the cores are wanted for decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # Without enable_fallback=0 a failure is printed and tried a second time.
        providers = ["CPUExecutionProvider"]
        return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's errors share no base class
        raise ModelFileError(f"{path}: ONNX Runtime can't open it: {_short(error)}") from error


def _short(error: Exception) -> str:
    """ONNX Runtime's message on one line, without its own source paths."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.replace(os.getcwd(), ".")[:240]
