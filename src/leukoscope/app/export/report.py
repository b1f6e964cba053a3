"""Export a case as one HTML report: predictions, reviews, files and model.

The file loads nothing from elsewhere, and no plotting library is needed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from markupsafe import Markup

from leukoscope.app.export.csv_rows import SOFTWARE, LoadImage
from leukoscope.app.export.histogram import histogram
from leukoscope.app.export.review_counts import review_counts
from leukoscope.app.schemas import LABELS, Case, Cell
from leukoscope.core import html
from leukoscope.core.errors import ImageError
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from leukoscope.core.wording import joined
from leukoscope.data.imaging.image import center, decode
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.notes import seen_note
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.subject.text import NO_PATIENT

# Limit, so that the report opens quickly.
MAX_PICTURES = 500
PICTURE_PIXELS = 300  # original pixels around the center, if the crop of the model is not known
HEADERS = ("Item", "Value")
LIMITS = (
    "The intervals reflect the number of cells, not the errors of the model, which differ from "
    "person to person and can be large on images unlike those it was trained on. Verdicts and "
    "reviews refer to single images; no fraction of blasts in this report is a finding about a "
    "person."
)


def report(case: Case, now: datetime, load_image: LoadImage, card: Card | None) -> str:
    """Write the report.

    Args:
        case: Case with its cells.
        now: Time of the export.
        load_image: Function that loads the stored image of a cell id.
        card: Model card of the case's model, if available.
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
    subtitle = f"Case report, {_time(now)}, {SOFTWARE}"
    return html.page(case.name, parts, subtitle=subtitle)


def _overview(case: Case) -> Iterator[Markup]:
    source = "set for this case" if case.own_threshold else "operating point of the model"
    rows = [
        ("Model", f"{case.model}, sha256 {case.model_sha256}"),
        ("Threshold", f"{case.threshold:.4f} ({source})"),
        ("Verdicts", _limits(case)),
        ("Created", _time(case.created)),
        ("Last change", _time(case.updated)),
        (
            "Images",
            "stored with the case" if case.keep_images else "not stored; identified by sha256",
        ),
    ]
    yield html.table(HEADERS, rows)
    seen = sum(Flag.SEEN_IN_TRAINING in cell.flags for cell in case.cells)
    if seen:
        yield html.note(seen_note(seen, len(case.cells)), "warning")
    if case.notes:
        yield html.note(Markup("<br>").join(case.notes.splitlines()))
    yield html.heading("Predictions by subject")
    reviewed = review_counts(case.cells)
    for summary in case.subjects:
        if summary.answer_sentence:
            yield html.paragraph(summary.answer_sentence)
        yield html.paragraph(summary.sentence)
        if summary.subject in reviewed and (text := reviewed[summary.subject].text()):
            yield html.paragraph(text)
    if any(summary.answer for summary in case.subjects):
        yield html.paragraph(NO_PATIENT)
    if not case.cells:
        yield html.paragraph("This case has no cells yet.")
        return
    yield _counts(case.cells)
    probabilities = [p for cell in case.cells if (p := _probability(cell)) is not None]
    if probabilities:
        yield histogram(probabilities, case.threshold, _uncertain(case))


def _uncertain(case: Case) -> tuple[float, float] | None:
    """The range of probabilities in which the verdict is uncertain."""
    if case.abstains is None:
        return None
    ends = (case.threshold, case.abstains.all_from, case.abstains.hem_to)
    return min(ends), max(ends)


def _limits(case: Case) -> str:
    zone = _uncertain(case)
    if zone is None:
        return f"blast from {case.threshold:.4f}, normal below; an answer for every probability"
    return f"blast from {zone[1]:.4f}, normal below {zone[0]:.4f}, uncertain between"


def _counts(cells: Sequence[Cell]) -> Markup:
    """Cross table of verdicts and reviews."""
    counts: Counter[tuple[str, str]] = Counter(
        (cell.verdict, cell.review.label if cell.review else "") for cell in cells
    )
    labels = _labels(cells)
    rows = []
    for verdict in Verdict:
        row = [counts[verdict, label] for label in (*labels, "")]
        if sum(row):
            rows.append((str(verdict), sum(row), *row))
    headers = ("Verdict", "Cells", *(f"Reviewed {label}" for label in labels), "Not reviewed")
    return html.table(headers, rows, "Verdicts of the model and reviews")


def _labels(cells: Sequence[Cell]) -> list[str]:
    """The labels with a column each: the classes, and the others that were given."""
    given = {cell.review.label for cell in cells if cell.review}
    first = [label for label in LABELS if label != "cannot tell" or label in given]
    return [*first, *sorted(given - set(LABELS))]


def _pictures(cells: Sequence[Cell], side: int, load_image: LoadImage) -> Iterator[Markup]:
    kept = [cell for cell in cells if cell.has_image]
    if not kept:
        return
    yield html.heading("Images")
    shown = kept[:MAX_PICTURES]
    caption = f"The central {side} x {side} original pixels of each image."
    if len(shown) < len(kept):
        caption += f" The first {MAX_PICTURES} of {len(kept)}."
    yield html.image_grid(_drawn(shown, side, load_image), caption)


def _drawn(
    cells: Sequence[Cell], side: int, load_image: LoadImage
) -> Iterator[tuple[np.ndarray, str]]:
    for cell in cells:
        try:
            image = center(decode(load_image(cell.id)), side)
        except ImageError:  # it could be read when it was added
            continue
        yield image, f"{_file_name(cell)}: {_caption(cell)}"


def _files(cells: Sequence[Cell]) -> Markup:
    headers = ("No.", "File and its sha256", "Subject", "Verdict", "p(ALL)", "Review", "Remarks")
    return html.table(headers, (_file(number, cell) for number, cell in enumerate(cells, start=1)))


def _file(number: int, cell: Cell) -> tuple[object, ...]:
    review = cell.review
    reviewed = ""
    if review:
        reviewed = f"{review.label}, {review.reviewer or 'unnamed'}, {_time(review.created)}"
    remarks = [*cell.flags, cell.reason, review.note if review else ""]
    file = Markup("{}<br><code>{}</code>").format(_file_name(cell), cell.sha256 or "not read")
    p = _probability(cell)
    return (
        number,
        file,
        cell.subject,
        str(cell.verdict),
        "" if p is None else f"{p:.4f}",
        reviewed,
        joined(*remarks),
    )


def _model(case: Case, card: Card | None) -> Iterator[Markup]:
    yield html.heading("The model")
    if card is None:
        yield html.note(
            f"The model card is not available, because the server ran another model at the time of "
            f"the export. To include it, serve the model file with the sha256 "
            f"{case.model_sha256} and export again."
        )
    else:
        yield html.table(HEADERS, describe(card), "Model card")


def _caption(cell: Cell) -> str:
    p = _probability(cell)
    text = str(cell.verdict) if p is None else f"{cell.verdict} {p:.3f}"
    return f"{text}, reviewed {cell.review.label}" if cell.review else text


def _probability(cell: Cell) -> float | None:
    """The probability where the verdict follows from it; for any other image it means nothing."""
    return cell.p_all if cell.verdict in FROM_PROBABILITY else None


def _file_name(cell: Cell) -> str:
    return cell.name or f"cell {cell.id}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
