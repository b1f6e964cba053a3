"""A case as one HTML file to read, print and file: what was said, by which model, on which files.

Nothing in it is loaded from elsewhere, and nothing needs a plotting library.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import get_args

import numpy as np
from markupsafe import Markup

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage
from leukoscope.app.export.histogram import histogram
from leukoscope.app.schemas import Case, Cell, Label
from leukoscope.core import html
from leukoscope.core.errors import ImageError
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from leukoscope.data.imaging.image import center, decode
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import describe

# With more of them a report would neither open quickly nor be looked through.
PICTURES = 500
PICTURE_PIXELS = 300  # original ones, around the center, where the model's crop is not known
FACTS = ("Item", "Value")
LIMITS = (
    "An interval speaks of the number of cells looked at, and not of the model's errors, which "
    "differ from person to person and can be large on images unlike those it was trained on. "
    "Verdicts and reviews are about single pictures; no share of blasts given here is a finding "
    "about a person."
)


def report(case: Case, now: datetime, load_image: LoadImage, card: Card | None) -> str:
    """The whole page.

    Args:
        case: with its cells.
        now: when the report is made.
        load_image: the bytes of a cell's stored image, by the cell's id.
        card: of the case's model, where it is at hand.
    """
    side = card.input.crop if card else PICTURE_PIXELS
    parts = [
        *_overview(case),
        *_pictures(case.cells, side, load_image),
        html.heading("Files"),
        _files(case.cells),
        *_model(case, card),
        html.heading("Limits"),
        html.paragraph(LIMITS),
    ]
    subtitle = f"Case report, made {_time(now)} by {SOFTWARE}"
    return html.page(case.name, parts, subtitle=subtitle)


def _overview(case: Case) -> Iterator[Markup]:
    own = "this case's own" if case.own_threshold else "the model's operating point"
    rows = [
        ("Model", f"{case.model}, sha256 {case.model_sha256}"),
        ("Threshold", f"blast from {case.threshold:.4f} on ({own})"),
        ("Abstention", _abstention(case)),
        ("Begun", _time(case.created)),
        ("Last change", _time(case.updated)),
        ("Images", "kept with the case" if case.keep_images else "not kept; files by sha256"),
    ]
    yield html.table(FACTS, rows)
    if case.notes:
        yield html.note(Markup("<br>").join(case.notes.splitlines()))
    yield html.heading("What the model says")
    for one in case.subjects:
        yield html.paragraph(one.sentence)
    if not case.cells:
        yield html.paragraph("There is no cell in this case yet.")
        return
    yield _counts(case.cells)
    probabilities = [
        cell.p_all
        for cell in case.cells
        if cell.p_all is not None and cell.verdict in FROM_PROBABILITY
    ]
    if probabilities:
        yield histogram(probabilities, case.threshold, _uncertain(case))


def _uncertain(case: Case) -> tuple[float, float] | None:
    """Between which probabilities the verdict is uncertain."""
    if case.abstains is None:
        return None
    ends = (case.threshold, case.abstains.all_from, case.abstains.hem_to)
    return min(ends), max(ends)


def _abstention(case: Case) -> str:
    zone = _uncertain(case)
    if zone is None:
        return "none: the model answers for every probability"
    return f"uncertain from {zone[0]:.4f} to {zone[1]:.4f}"


def _counts(cells: Sequence[Cell]) -> Markup:
    """Verdicts against what people said of the same cells."""
    counts: Counter[tuple[str, str]] = Counter(
        (cell.verdict, cell.review.label if cell.review else "") for cell in cells
    )
    labels = get_args(Label)
    rows = []
    for verdict in Verdict:
        row = [counts[verdict, label] for label in (*labels, "")]
        if sum(row):
            rows.append((str(verdict), sum(row), *row))
    headers = ("Verdict", "Cells", *(f"Reviewed {label}" for label in labels), "Not reviewed")
    return html.table(headers, rows, "Verdicts of the model, and reviews by people")


def _pictures(cells: Sequence[Cell], side: int, load_image: LoadImage) -> Iterator[Markup]:
    kept = [cell for cell in cells if cell.has_image]
    if not kept:
        return
    yield html.heading("Pictures")
    shown = kept[:PICTURES]
    caption = f"The central {side} x {side} original pixels of each image."
    if len(shown) < len(kept):
        caption += f" The first {PICTURES} of {len(kept)}."
    yield html.image_grid(_drawn(shown, side, load_image), caption)


def _drawn(
    cells: Sequence[Cell], side: int, load_image: LoadImage
) -> Iterator[tuple[np.ndarray, str]]:
    for cell in cells:
        try:
            image = center(decode(load_image(cell.id)), side)
        except ImageError:  # it could be read when it came
            continue
        yield image, f"{_file_name(cell)}: {_said(cell)}"


def _files(cells: Sequence[Cell]) -> Markup:
    headers = ("No.", "File and its sha256", "Subject", "Verdict", "p(ALL)", "Review", "Remarks")
    return html.table(headers, (_file(number, cell) for number, cell in enumerate(cells, start=1)))


def _file(number: int, cell: Cell) -> tuple[object, ...]:
    review = cell.review
    said = ""
    if review:
        said = f"{review.label}, {review.reviewer or 'unnamed'}, {_time(review.created)}"
    remarks = [*cell.flags, cell.reason, review.note if review else ""]
    file = Markup("{}<br><code>{}</code>").format(_file_name(cell), cell.sha256 or "not read")
    probability = "" if cell.p_all is None else f"{cell.p_all:.4f}"
    return (
        number,
        file,
        cell.subject,
        str(cell.verdict),
        probability,
        said,
        "; ".join(filter(None, remarks)),
    )


def _model(case: Case, card: Card | None) -> Iterator[Markup]:
    yield html.heading("The model")
    if card is None:
        yield html.note(
            f"The card of this model is not at hand: when this report was made, the server ran "
            f"another one. To have it here, serve the model file with the sha256 "
            f"{case.model_sha256} and export again."
        )
    else:
        yield html.table(FACTS, describe(card))


def _said(cell: Cell) -> str:
    text = str(cell.verdict) if cell.p_all is None else f"{cell.verdict} {cell.p_all:.3f}"
    return f"{text}, reviewed {cell.review.label}" if cell.review else text


def _file_name(cell: Cell) -> str:
    return cell.name or f"cell {cell.id}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
