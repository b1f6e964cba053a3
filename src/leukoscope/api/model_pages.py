"""Verbs that write a model's papers; no extra is needed."""

from pathlib import Path


def model_card(model: Path | str | None = None, out: Path | str = "model-card.html") -> Path:
    """Write the page of a model's card.

    Args:
        model: A model file, or a run folder, whose report adds results by person; the shipped
            model where none is named.
        out: .html or .md.

    Raises:
        LeukoscopeError: The model, its report or the name of the page cannot be used.
    """
    from leukoscope.modelcard.blocks import write
    from leukoscope.modelcard.facts import open_card_source
    from leukoscope.modelcard.page import model_card as page

    return write(page(open_card_source(model)), Path(out))


def model_checklist(model: Path | str | None = None, out: Path | str = "checklist.html") -> Path:
    """Write CLAIM 2024 and TRIPOD+AI, filled for a model as far as its files answer them.

    Args:
        model: As for `model_card`.
        out: .html or .md.

    Raises:
        LeukoscopeError: See `model_card`.
    """
    from leukoscope.modelcard.blocks import write
    from leukoscope.modelcard.checklist import filled
    from leukoscope.modelcard.facts import open_card_source

    return write(filled(open_card_source(model)), Path(out))
