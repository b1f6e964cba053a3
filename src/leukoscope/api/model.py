"""Open a model file, read and verify it, and write its documents; no extra is needed."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card
    from leukoscope.inference.model_file.verify import Check
    from leukoscope.inference.predictor import Predictor


def load_model(path: Path | str | None = None, *, threads: int | None = None) -> "Predictor":
    """Open a model file to predict with.

    Args:
        path: A model file; by default the one that ships with the package.
        threads: Worker threads; by default one for each core that this process may use.

    Returns:
        The model, with the methods `predict` and `explain` and its `card`.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.inference.predictor import Predictor

    return Predictor(path, threads=threads)


def read_card(path: Path | str | None = None) -> "Card":
    """Read the card of a model file.

    Args:
        path: A model file; by default the one that ships with the package.

    Raises:
        ModelFileError: Not a model file, or its card is invalid.
    """
    from leukoscope.inference.model_file.model_file import default_model, read_card

    return read_card(path or default_model())


def verify_model(path: Path | str | None = None) -> "list[Check]":
    """Check a model file: its format, its card, and its output for simple images.

    Args:
        path: A model file; by default the one that ships with the package.
    """
    from leukoscope.inference.model_file.model_file import default_model
    from leukoscope.inference.model_file.verify import verify

    return verify(path or default_model())


def model_card(model: Path | str | None = None, *, out: Path | str = "model-card.html") -> Path:
    """Write the card of a model as a page.

    Args:
        model: A model file, or a run folder, whose report adds results per person; by default the
            model that ships with the package.
        out: Page to write, .html or .md.

    Returns:
        The path of the page.

    Raises:
        LeukoscopeError: The model, its report or the name of the page cannot be used.
    """
    from leukoscope.modelcard.blocks import write
    from leukoscope.modelcard.facts import open_card_source
    from leukoscope.modelcard.page import model_card as page

    return write(page(open_card_source(model)), Path(out))


def model_checklist(model: Path | str | None = None, *, out: Path | str = "checklist.html") -> Path:
    """Fill in the checklists CLAIM 2024 and TRIPOD+AI as far as a model's files answer them.

    Args:
        model: As for `model_card`.
        out: Page to write, .html or .md.

    Returns:
        The path of the page.

    Raises:
        LeukoscopeError: As for `model_card`.
    """
    from leukoscope.modelcard.blocks import write
    from leukoscope.modelcard.checklist import filled
    from leukoscope.modelcard.facts import open_card_source

    return write(filled(open_card_source(model)), Path(out))
