"""A page of augmented cells, to see whether the augmentation is too strong or too weak."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.errors import CohortError, ImageError
from leukoscope.core.seeds import generator
from leukoscope.data.audit.checked import require_readable
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES, Cohort
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.synthetic.notice import synthetic_notice
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.settings import Augment
from leukoscope.training.network.augment import augment

PER_CLASS = 4
VERSIONS = 7


def write_preview(cohort: Cohort, recipe: NetworkRecipe, out: Path, *, seed: int = 0) -> Path:
    """Write an HTML page: cells of different persons, each beside random augmentations of it.

    Args:
        cohort: Labeled cells; the page shows four of each class, of as many persons as possible.
        recipe: The crop and the augmentation.
        out: The page to write.
        seed: Random seed of the choice of cells and of the augmentation.

    Returns:
        The page's path.

    Raises:
        CohortError: No labeled cell can be read.
    """
    crop = Crop(recipe.input.crop, recipe.input.size)
    rng = generator(seed)
    rows = [
        _row(cohort, row, cell, recipe.augment, rng)
        for label in (ALL, HEM)
        for row, cell in _chosen(cohort, label, crop, rng)
    ]
    if not rows:
        require_readable(hash_cells(cohort), "There is nothing to preview.")
        raise CohortError(
            f"{cohort.source}: no labeled cell can be read, so there is nothing to preview; "
            "check with: leukoscope data info"
        )
    shown = f"Crop: {crop.crop} px around the center, resized to {crop.size} x {crop.size} px."
    parts = [
        *synthetic_notice(cohort),
        html.paragraph(f"Each row: a cell without augmentation, then {VERSIONS} random versions."),
        html.paragraph(f"{shown} Augmentation: {describe_augmentation(recipe.augment)}."),
        *rows,
    ]
    return html.write_page(out, f"Augmentation of {recipe.name}", parts, subtitle=cohort.source)


def describe_augmentation(settings: Augment) -> str:
    """The settings of an augmentation as text; "none" if all are off."""
    changes = [
        (settings.rotate, f"rotated by up to {settings.rotate:g} degrees to either side"),
        (settings.flip, "flipped with a probability of 1/2"),
        (settings.scale, f"size changed by up to {settings.scale:.0%}"),
        (settings.shift, f"shifted by up to {settings.shift:.0%} of the side"),
        (settings.brightness, f"brightness changed by up to {settings.brightness:.0%}"),
        (settings.color, f"each color channel changed by up to {settings.color:.0%}"),
        (settings.blur, f"blurred with a standard deviation of up to {settings.blur:g} px"),
    ]
    return ", ".join(text for amount, text in changes if amount) or "none"


def _chosen(
    cohort: Cohort, label: int, crop: Crop, rng: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """Readable cells of one class, of as many different persons as possible."""
    rows = rng.permutation(np.flatnonzero(cohort["label"] == label))
    counts: dict[str, int] = {}
    turn = {}  # how many cells of the same person come before each row
    for row in rows:
        person = cohort["person"][row]
        turn[row] = counts[person] = counts.get(person, -1) + 1
    chosen = 0
    for row in sorted(rows, key=turn.__getitem__):
        if chosen == PER_CLASS:
            return
        try:
            cell = read_cell(cohort.paths[row], crop)
        except ImageError:
            continue
        chosen += 1
        yield int(row), cell


def _row(
    cohort: Cohort, row: int, cell: np.ndarray, settings: Augment, rng: np.random.Generator
) -> Markup:
    person = cohort["person"][row]
    name = f"{LABEL_NAMES[int(cohort['label'][row])]}, person {person or 'unknown'}"
    versions = [(augment(cell, settings, rng), "") for _ in range(VERSIONS)]
    return html.image_grid([(cell, name), *versions])
