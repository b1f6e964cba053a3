"""Predict uploaded images, with the optional parts that a request asks for."""

import base64
import hashlib
import io
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CellPrediction, Include, Neighbor
from leukoscope.app.uploads.uploaded_file import UploadedFile, UploadedImage
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.features import measure
from leukoscope.data.imaging.image import center, decode, fixed_scale_crop
from leukoscope.inference.occlusion import Kind, occlusion_map
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.results import Prediction, as_row
from leukoscope.inference.sources import Source
from leukoscope.inference.verdict import threshold

if TYPE_CHECKING:
    from leukoscope.app.predicting.examples import Examples

# An occlusion map takes as long as a hundred predictions, so only single images can have one.
Part = Include | Literal["occlusion"]
EVERYTHING: frozenset[Part] = frozenset(
    ("heatmap", "occlusion", "picture", "features", "neighbors")
)
# Limit on the decoded pixels of a batch; a C-NMC image has 200 thousand.
BATCH_PIXELS = 8_000_000
NEIGHBORS = 4
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class ImageTask:
    """One image, and the optional parts that its request asks for."""

    item: UploadedImage
    include: frozenset[Part] = frozenset()


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A decoded image, or the reason why it could not be decoded."""

    task: ImageTask
    sha256: str
    image: np.ndarray | None
    problem: str = ""


class ImagePredictor:
    """Predicts uploaded images with one model. Safe to call from several threads."""

    def __init__(self, predictor: Predictor, examples: "Examples", limits: Limits) -> None:
        self._predictor = predictor
        self._examples = examples
        self._limits = limits
        self._model = predictor.model.card.name
        self._threshold = threshold(predictor.model.card)
        self._map_lock = threading.Lock()  # one occlusion map at a time; other cores predict

    def __call__(self, tasks: Sequence[ImageTask]) -> list[CellPrediction]:
        """Predict all tasks, in order.

        Raises:
            ModelFileError: The network fails to run.
        """
        predictions: list[CellPrediction] = []
        for group in self._groups(tasks):
            predictions += self._predict(group)
        return predictions

    def explain(self, name: str, data: bytes) -> CellPrediction:
        """Predict one image with all optional parts."""
        return self([ImageTask(UploadedFile(name, data), EVERYTHING)])[0]

    def _groups(self, tasks: Sequence[ImageTask]) -> Iterator[list[_Decoded]]:
        """Decode images in groups of bounded memory, however large the images are."""
        group: list[_Decoded] = []
        pixels = 0
        for task in tasks:
            decoded = self._decode(task)
            group.append(decoded)
            pixels += 0 if decoded.image is None else decoded.image.size // 3
            if pixels > BATCH_PIXELS:
                yield group
                group, pixels = [], 0
        if group:
            yield group

    def _decode(self, task: ImageTask) -> _Decoded:
        digest = ""
        try:
            data = task.item.load()
            digest = hashlib.sha256(data).hexdigest()
            image = decode(data, max_pixels=self._limits.image_pixels)
        except ImageError as error:
            return _Decoded(task, digest, None, str(error).removeprefix("the image: "))
        return _Decoded(task, digest, image)

    def _predict(self, group: Sequence[_Decoded]) -> list[CellPrediction]:
        include = frozenset[Part]().union(*(decoded.task.include for decoded in group))
        predictions = self._predictor.predict_batch(
            [
                Source(Path(), decoded.problem) if decoded.image is None else decoded.image
                for decoded in group
            ],
            heatmaps="heatmap" in include,
            embeddings="neighbors" in include,
        )
        return [self._build(*pair) for pair in zip(group, predictions, strict=True)]

    def _build(self, decoded: _Decoded, prediction: Prediction) -> CellPrediction:
        name, include = decoded.task.item.name, decoded.task.include
        prediction = self._with_seen(decoded.sha256, prediction)
        row = as_row(replace(prediction, name=name), self._model)
        image = decoded.image
        heatmap, kind = self._heatmap(decoded, prediction)
        # All values are ours: validating them would take longer than computing them.
        return CellPrediction.model_construct(
            name=name,
            subject=row["subject"],
            p_all=row["p_all"],
            verdict=prediction.verdict,
            logit=row["logit"],
            flags=list(prediction.flags),
            reason=row["reason"],
            model=self._model,
            sha256=decoded.sha256,
            pixels=prediction.pixels,
            threshold=self._threshold,
            heatmap=heatmap,
            heatmap_kind=kind,
            picture=self._picture(image) if "picture" in include else None,
            features=_features(image) if "features" in include else None,
            neighbors=self._neighbors(prediction) if "neighbors" in include else None,
            cell_id=None,
        )

    def _with_seen(self, sha256: str, prediction: Prediction) -> Prediction:
        """Flag an image that the model was trained on, by its file; its pixels are done."""
        flags = prediction.flags
        if Flag.SEEN_IN_TRAINING in flags or not self._predictor.seen_images.has_file(sha256):
            return prediction
        return replace(prediction, flags=(*flags, str(Flag.SEEN_IN_TRAINING)))

    def _heatmap(
        self, decoded: _Decoded, prediction: Prediction
    ) -> tuple[list[list[float]] | None, Kind | None]:
        include = decoded.task.include
        if "heatmap" in include and prediction.heatmap is not None:
            return _rows(prediction.heatmap), "exact"
        if "occlusion" not in include or decoded.image is None or prediction.logit is None:
            return None, None
        model = self._predictor.model
        with self._map_lock:
            heatmap = occlusion_map(model, fixed_scale_crop(decoded.image, model.card.input))
        return _rows(heatmap), "occlusion"

    def _picture(self, image: np.ndarray | None) -> str | None:
        if image is None:
            return None
        from PIL import Image

        crop = center(image, self._predictor.model.card.input.crop)
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(crop)).save(out, "JPEG", quality=JPEG_QUALITY)
        return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"

    def _neighbors(self, prediction: Prediction) -> list[Neighbor] | None:
        if prediction.embedding is None:
            return None
        return self._examples.nearest(prediction.embedding, k=NEIGHBORS)


def _rows(heatmap: np.ndarray) -> list[list[float]]:
    rows: list[list[float]] = np.round(heatmap.astype(np.float64), 5).tolist()
    return rows


def _features(image: np.ndarray | None) -> dict[str, float | None] | None:
    if image is None:
        return None
    values = asdict(measure(image))
    return {key: value if math.isfinite(value) else None for key, value in values.items()}
