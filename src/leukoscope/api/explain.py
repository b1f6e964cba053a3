"""Predict images and draw the evidence for and against ALL."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.api.predict import open_predictor

if TYPE_CHECKING:
    import numpy as np

    from leukoscope.inference.predictions import Predictions
    from leukoscope.inference.predictor import Predictor
    from leukoscope.inference.results import Prediction
    from leukoscope.inference.sources import Images
    from leukoscope.inference.summary import Outcome

TABLE = "explanations.csv"
EXTRA = ("heatmap_kind", "heatmap_largest", "picture")


def explain(
    images: "Images",
    model: "Predictor | Path | str | None" = None,
    *,
    out: Path | str | None = None,
) -> "Predictions":
    """Predict images, each with a heatmap of the evidence for ALL (positive) and against it.

    The `heatmap_kind` of a prediction is "exact", or "occlusion" for an approximate map, which
    takes as long as some 60 predictions.

    Args:
        images: As for `predict`.
        model: An open model or a model file; by default the one that ships with the package.
        out: Folder for a PNG per image, the heatmap over the cell, and `explanations.csv`: the rows
            of `predict` with `heatmap_kind`, `heatmap_largest`, the magnitude drawn at full
            strength, and `picture`, the name of the PNG.

    Returns:
        The predictions, with `heatmap` and `heatmap_kind`.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.core.tables import TableWriter
    from leukoscope.inference.predictions import Predictions
    from leukoscope.inference.results import FIELDS

    predictor = open_predictor(model)
    if out is None:
        return predictor.explain(images)
    predictions = []
    with TableWriter(Path(out) / TABLE, (*FIELDS, *EXTRA)) as table:
        for prediction, row in _drawn(predictor, images, Path(out)):
            table.write(row)
            predictions.append(prediction)
    return Predictions(predictions, predictor.card.name)


def explain_to_folder(images: "Images", model: Path | str | None = None, *, out: Path) -> "Outcome":
    """Explain images one by one, for any number of them; for the command line.

    Args:
        images: As for `explain`.
        model: As for `explain`.
        out: As for `explain`.

    Returns:
        Counts, and a summary of each subject.
    """
    from leukoscope.inference.results import FIELDS
    from leukoscope.inference.summary import save

    rows = (row for _, row in _drawn(open_predictor(model), images, out))
    return save(rows, out / TABLE, (*FIELDS, *EXTRA))


def _drawn(
    predictor: "Predictor", images: "Images", folder: Path
) -> "Iterator[tuple[Prediction, dict[str, Any]]]":
    """Draw each heatmap, and yield the prediction with its row."""
    from leukoscope.core.drawn import mark_drawn
    from leukoscope.core.progress import track
    from leukoscope.inference.results import as_row
    from leukoscope.inference.sources import list_images

    listed = list_images(images)
    stream = track(predictor.stream_explained(listed), "Explaining", total=len(listed))
    pictures: list[Path] = []
    for number, (prediction, cell) in enumerate(stream, start=1):
        row = as_row(prediction, predictor.card.name) | dict.fromkeys(EXTRA)
        heatmap = prediction.heatmap
        if heatmap is not None and cell is not None:
            picture = f"{number:04d}-{Path(prediction.name).stem or 'image'}.png"
            _draw(cell, heatmap, folder / picture)
            pictures.append(folder / picture)
            row["heatmap_kind"] = prediction.heatmap_kind
            row["heatmap_largest"] = float(abs(heatmap).max())
            row["picture"] = picture
        yield prediction, row
    mark_drawn(pictures)


def _draw(cell: "np.ndarray", heatmap: "np.ndarray", path: Path) -> None:
    from PIL import Image

    from leukoscope.core.files import atomic_path
    from leukoscope.inference.overlay import overlay

    with atomic_path(path) as temporary:
        Image.fromarray(overlay(cell, heatmap)).save(temporary)
