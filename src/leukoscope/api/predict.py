"""Verbs that need a model file and no PyTorch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card
    from leukoscope.inference.model_file.verify import Check
    from leukoscope.inference.results import Outcome


def predict_rows(
    paths: Sequence[Path | str], model: Path | str | None = None
) -> Iterator[dict[str, Any]]:
    """Answer for images one by one, in order.

    An image that cannot be used gets a row with the reason.

    Args:
        paths: Files, folders, globs.
        model: A model file; by default the one that ships with the package.

    Yields:
        Rows with the columns `leukoscope.inference.results.FIELDS`.
    """
    from leukoscope.core.progress import track
    from leukoscope.inference.predictor import Predictor
    from leukoscope.inference.results import as_row
    from leukoscope.inference.sources import expand

    predictor = Predictor(model)
    sources = expand(paths)
    name = predictor.model.card.name
    for prediction in track(predictor.predict(sources), "Predicting", total=len(sources)):
        yield as_row(prediction, name)


def predict(
    paths: Sequence[Path | str], model: Path | str | None = None, out: Path | str | None = None
) -> "Outcome":
    """Answer for images and write the rows to a table.

    Args:
        paths: Files, folders, globs.
        model: A model file; by default the one that ships with the package.
        out: .csv, .jsonl or .parquet; None prints CSV.

    Returns:
        Counts, and a summary per subject; `exit_code` is 3 where an image failed.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.inference.results import save

    return save(predict_rows(paths, model), None if out is None else Path(out))


def read_card(path: Path | str | None = None) -> "Card":
    """The card of a model file; of the shipped model where none is named."""
    from leukoscope.inference.model_file.model_file import default_model, read_card

    return read_card(path or default_model())


def verify_model(path: Path | str | None = None) -> "list[Check]":
    """Check a model file: its form, its card, its answers to simple images."""
    from leukoscope.inference.model_file.model_file import default_model
    from leukoscope.inference.model_file.verify import verify

    return verify(path or default_model())
