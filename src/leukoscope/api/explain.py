"""The verb that draws what speaks for and against an answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukoscope.inference.results import Outcome

TABLE = "explanations.csv"
EXTRA = ("heatmap_kind", "heatmap_largest", "picture")


def explain(
    paths: Sequence[Path | str],
    model: Path | str | None = None,
    out: Path | str = "explanations",
) -> "Outcome":
    """Answer for images and draw the heatmap of each over the cell.

    A model without an exact heatmap gets an occlusion map, which takes as long as some sixty
    answers for each image.

    Args:
        paths: Files, folders, globs.
        model: A model file; by default the one that ships with the package.
        out: Folder for a PNG of each image and `explanations.csv`: the rows of `predict` with
            `heatmap_kind` ("exact" or "occlusion"), `heatmap_largest`, the magnitude that is drawn
            at full strength, and `picture`, the PNG's name.

    Returns:
        Counts and a summary per subject, as of `predict`.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.inference.results import FIELDS, save

    folder = Path(out)
    return save(_explained(paths, model, folder), folder / TABLE, (*FIELDS, *EXTRA))


def _explained(
    paths: Sequence[Path | str], model: Path | str | None, folder: Path
) -> Iterator[dict[str, Any]]:
    from PIL import Image

    from leukoscope.core.files import atomic_path
    from leukoscope.core.progress import track
    from leukoscope.data.imaging.image import read_cell
    from leukoscope.inference.occlusion import occlusion_map
    from leukoscope.inference.overlay import overlay
    from leukoscope.inference.predictor import Predictor
    from leukoscope.inference.results import as_row
    from leukoscope.inference.sources import expand

    predictor = Predictor(model)
    card = predictor.model.card
    sources = expand(paths)
    answers = track(predictor.predict(sources, heatmaps=True), "Explaining", total=len(sources))
    for number, (source, answer) in enumerate(zip(sources, answers, strict=True), start=1):
        row = as_row(answer, card.name) | dict.fromkeys(EXTRA)
        if answer.logit is not None:
            cell = read_cell(source.path, card.input)
            exact = answer.heatmap
            heatmap = occlusion_map(predictor.model, cell) if exact is None else exact
            picture = f"{number:04d}-{source.path.stem}.png"
            with atomic_path(folder / picture) as temporary:
                Image.fromarray(overlay(cell, heatmap)).save(temporary)
            kind = "occlusion" if exact is None else "exact"
            row |= dict(zip(EXTRA, (kind, float(abs(heatmap).max()), picture), strict=True))
        yield row
