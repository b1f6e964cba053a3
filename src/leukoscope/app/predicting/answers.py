"""From the bytes of images to answers: the predictor's rows, and the parts that were asked for."""

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
from leukoscope.app.uploads.items import Item, Upload
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.features import measure
from leukoscope.data.imaging.image import center, decode, fixed_scale_crop
from leukoscope.inference.occlusion import Kind, occlusion_map
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.results import Prediction, as_row
from leukoscope.inference.sources import Source
from leukoscope.inference.verdict import threshold

if TYPE_CHECKING:
    from leukoscope.app.predicting.examples import Examples

# An occlusion map costs as much as a hundred answers, so nobody gets one for a whole folder.
Part = Include | Literal["occlusion"]
EVERYTHING: frozenset[Part] = frozenset(
    ("heatmap", "occlusion", "picture", "features", "neighbors")
)
# Decoded pixels that a batch may hold; a C-NMC image has 200 thousand.
BATCH_PIXELS = 8_000_000
NEIGHBORS = 4
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class ImageTask:
    """One image, and the parts of the answer that its request asks for."""

    item: Item
    include: frozenset[Part] = frozenset()


@dataclass(frozen=True, slots=True)
class _Opened:
    """One image after decoding, or the reason why there is none."""

    task: ImageTask
    sha256: str
    image: np.ndarray | None
    problem: str = ""


class ImagePredictor:
    """Answers for images with one model. May be called from several threads at once."""

    def __init__(self, predictor: Predictor, examples: "Examples", limits: Limits) -> None:
        self._predictor = predictor
        self._examples = examples
        self._limits = limits
        self._model = predictor.model.card.name
        self._threshold = threshold(predictor.model.card)
        self._one_map = threading.Lock()  # occlusion maps leave the other cores to answers

    def __call__(self, tasks: Sequence[ImageTask]) -> list[CellPrediction]:
        """An answer for each task, in their order.

        Raises:
            ModelFileError: the network itself fails to run.
        """
        answers: list[CellPrediction] = []
        for group in self._groups(tasks):
            answers += self._answer(group)
        return answers

    def explain(self, name: str, data: bytes) -> CellPrediction:
        """The answer to one image with everything included."""
        return self([ImageTask(Upload(name, data), EVERYTHING)])[0]

    def _groups(self, tasks: Sequence[ImageTask]) -> Iterator[list[_Opened]]:
        """Opened images in groups that are small in memory, however large the images are."""
        group: list[_Opened] = []
        pixels = 0
        for task in tasks:
            opened = self._open(task)
            group.append(opened)
            pixels += 0 if opened.image is None else opened.image.size // 3
            if pixels > BATCH_PIXELS:
                yield group
                group, pixels = [], 0
        if group:
            yield group

    def _open(self, task: ImageTask) -> _Opened:
        digest = ""
        try:
            data = task.item.load()
            digest = hashlib.sha256(data).hexdigest()
            image = decode(data, max_pixels=self._limits.image_pixels)
        except ImageError as error:
            return _Opened(task, digest, None, str(error).removeprefix("the image: "))
        return _Opened(task, digest, image)

    def _answer(self, group: Sequence[_Opened]) -> list[CellPrediction]:
        wanted = frozenset[Part]().union(*(opened.task.include for opened in group))
        predictions = self._predictor.predict_batch(
            [
                Source(Path(), opened.problem) if opened.image is None else opened.image
                for opened in group
            ],
            heatmaps="heatmap" in wanted,
            embeddings="neighbors" in wanted,
        )
        return [self._build(*pair) for pair in zip(group, predictions, strict=True)]

    def _build(self, opened: _Opened, prediction: Prediction) -> CellPrediction:
        name, include = opened.task.item.name, opened.task.include
        row = as_row(replace(prediction, name=name), self._model)
        image = opened.image
        heatmap, kind = self._heatmap(opened, prediction)
        # Everything here was made by us: validating it again would cost more than making it.
        return CellPrediction.model_construct(
            name=name,
            subject=row["subject"],
            p_all=row["p_all"],
            verdict=prediction.verdict,
            logit=row["logit"],
            flags=list(prediction.flags),
            reason=row["reason"],
            model=self._model,
            sha256=opened.sha256,
            threshold=self._threshold,
            heatmap=heatmap,
            heatmap_kind=kind,
            picture=self._picture(image) if "picture" in include else None,
            features=_features(image) if "features" in include else None,
            neighbors=self._neighbors(prediction) if "neighbors" in include else None,
            cell_id=None,
        )

    def _heatmap(
        self, opened: _Opened, prediction: Prediction
    ) -> tuple[list[list[float]] | None, Kind | None]:
        include = opened.task.include
        if "heatmap" in include and prediction.heatmap is not None:
            return _rows(prediction.heatmap), "exact"
        if "occlusion" not in include or opened.image is None or prediction.logit is None:
            return None, None
        model = self._predictor.model
        with self._one_map:
            found = occlusion_map(model, fixed_scale_crop(opened.image, model.card.input))
        return _rows(found), "occlusion"

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
