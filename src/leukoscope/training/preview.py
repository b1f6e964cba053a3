"""A sheet of cells as training would see them: is the augmentation too strong, or too weak?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.errors import CohortError, ImageError
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES, Cohort
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.synthetic.notice import synthetic_notice
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.settings import Augment
from leukoscope.training.network.augment import augment

PER_CLASS = 4
VERSIONS = 7


def write_preview(cohort: Cohort, recipe: NetworkRecipe, out: Path, *, seed: int = 0) -> Path:
    """Write an HTML sheet: cells of different persons, and random versions of each beside it.

    Args:
        cohort: Labeled cells; the sheet shows four of each class, of as many persons as it can.
        recipe: Says which crop, and which changes.
        out: The page to write.
        seed: Of the choice of cells and of the changes.

    Returns:
        The page's path.

    Raises:
        CohortError: No labeled cell can be read.
    """
    crop = Crop(recipe.input.crop, recipe.input.size)
    rng = np.random.default_rng(seed)
    rows = [
        _row(cohort, row, cell, recipe.augment, rng)
        for label in (ALL, HEM)
        for row, cell in _chosen(cohort, label, crop, rng)
    ]
    if not rows:
        raise CohortError(
            f"{cohort.source}: no labeled cell can be read, so there is nothing to preview; "
            "check with: leukoscope data info"
        )
    seen = f"Crop: {crop.crop} px around the center, seen at {crop.size} x {crop.size} px."
    parts = [
        *synthetic_notice(cohort),
        html.paragraph(f"Each row: a cell as it is, then {VERSIONS} of its versions in training."),
        html.paragraph(f"{seen} Changes: {describe_augmentation(recipe.augment)}."),
        *rows,
    ]
    return html.write_page(out, f"What training sees: {recipe.name}", parts, subtitle=cohort.source)


def describe_augmentation(settings: Augment) -> str:
    """The settings of an augmentation as a list in words; "none" where all are off."""
    changes = [
        (settings.rotate, f"turned by up to {settings.rotate:g} degrees to either side"),
        (settings.flip, "mirrored half of the time"),
        (settings.scale, f"size changed by up to {settings.scale:.0%}"),
        (settings.shift, f"shifted by up to {settings.shift:.0%} of the side"),
        (settings.brightness, f"brightness changed by up to {settings.brightness:.0%}"),
        (settings.color, f"each color channel changed by up to {settings.color:.0%}"),
        (settings.blur, f"blurred with a standard deviation of up to {settings.blur:g} px"),
    ]
    return ", ".join(words for amount, words in changes if amount) or "none"


def _chosen(
    cohort: Cohort, label: int, crop: Crop, rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Readable cells of one class, each of another person while there are enough persons."""
    rows = rng.permutation(np.flatnonzero(cohort["label"] == label))
    taken: dict[str, int] = {}
    turn = {}  # the how-manieth of its person's cells each row is
    for row in rows:
        person = cohort["person"][row]
        turn[row] = taken[person] = taken.get(person, -1) + 1
    found = 0
    for row in sorted(rows, key=turn.__getitem__):
        if found == PER_CLASS:
            return
        try:
            cell = read_cell(cohort.paths[row], crop)
        except ImageError:
            continue
        found += 1
        yield int(row), cell


def _row(
    cohort: Cohort, row: int, cell: np.ndarray, settings: Augment, rng: np.random.Generator
) -> Markup:
    person = cohort["person"][row]
    name = f"{LABEL_NAMES[int(cohort['label'][row])]}, person {person or 'unknown'}"
    versions = [(augment(cell, settings, rng), "") for _ in range(VERSIONS)]
    return html.image_grid([(cell, name), *versions])
