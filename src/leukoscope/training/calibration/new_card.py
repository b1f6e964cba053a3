"""The card of a model that is fitted but not yet calibrated: its inputs, data and recipe."""

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.version import __version__
from leukoscope.data.audit.checked import not_compared
from leukoscope.data.cnmc import cnmc
from leukoscope.data.cnmc.official import DIGEST_BYTES, official_images
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.imaging.image import Crop
from leukoscope.data.splits.partition import Split
from leukoscope.data.synthetic.notice import is_synthetic_cohort
from leukoscope.inference.model_file.card import Card, DataSource, Training
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.models.recipe.recipe import Recipe

SEEN = ("train", "validation")
"""Subsets whose cells a model has seen: fitted on, or calibrated on."""


def new_card(
    cohort: Cohort, recipe: Recipe, split: Split, *, packages: Iterable[str], **fields: Any
) -> Card:
    """The card of a model that is fitted but not yet calibrated.

    Args:
        cohort: N cells with label, person, subject, sha256 and part.
        recipe: The recipe it was trained by.
        split: How the subsets were made.
        packages: Names of packages whose versions the card lists.
        **fields: Fields of the card that depend on the kind of model.
    """
    synthetic = is_synthetic_cohort(cohort)
    return Card(
        name=recipe.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        input=Crop(recipe.input.crop, recipe.input.size),
        training=training_data(cohort, split, synthetic),
        data=data_source(cohort, synthetic),
        license="Apache-2.0",
        recipe=recipe.to_dict(),
        versions={"leukoscope": __version__, **{name: version(name) for name in packages}},
        **fields,
    )


def data_source(cohort: Cohort, synthetic: bool) -> DataSource:
    """Name where the cells come from: C-NMC 2019 only if their files are the official ones.

    Args:
        cohort: N cells with sha256 and part.
        synthetic: The cells are drawn by the package.
    """
    if synthetic:
        return DataSource("Synthetic cells", "Leukoscope", "Apache-2.0", "")
    official = {image.digest.hex() for image in official_images()}
    used = cohort["sha256"][np.isin(cohort["part"], SEEN)]
    count = sum(sha256[: 2 * DIGEST_BYTES] in official for sha256 in used)
    if count == 0:
        return DataSource("Own data", "no citation known", "license unknown", "")
    if count < len(used):
        name = f"C-NMC 2019 ({count:,} images) and own data ({len(used) - count:,} images)"
        license = f"{cnmc.LICENSE} for C-NMC 2019, else unknown"
        return DataSource(name, cnmc.CITATION, license, cnmc.DOI)
    return DataSource("C-NMC 2019", cnmc.CITATION, cnmc.LICENSE, cnmc.DOI)


def training_data(cohort: Cohort, split: Split, synthetic: bool) -> Training:
    """The persons, subjects, image hashes and cell counts that a model has seen."""
    part, label = cohort["part"], cohort["label"]
    used = np.isin(part, SEEN)
    persons = {
        name: tuple(sorted(set(cohort["person"][part == name]) - {""}, key=natural_key))
        for name in SEEN
    }
    counts = {
        name: {LABEL_NAMES[c]: int(np.sum((part == name) & (label == c))) for c in (1, 0)}
        for name in SEEN
    }
    pixels = cohort["pixel_sha256"][used] if "pixel_sha256" in cohort else ()
    return Training(
        split=split.reference,
        persons=persons,
        subjects=tuple(sorted(set(cohort["subject"][used]) - {""}, key=natural_key)),
        hashes=pack_hashes(value for value in cohort["sha256"][used] if value),
        cells=counts,
        synthetic=synthetic,
        pixels=pack_hashes(value for value in pixels if value),
        not_compared=int(np.sum(used & not_compared(cohort))) if "cell" in cohort else None,
    )
