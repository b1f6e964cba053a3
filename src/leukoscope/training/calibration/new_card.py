"""The card of a model that is fitted but not yet calibrated: its inputs, data and recipe."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.values import SplitReference
from leukoscope.core.version import __version__
from leukoscope.core.wording import count as counted
from leukoscope.core.wording import joined
from leukoscope.data.audit.checked import not_compared
from leukoscope.data.cnmc import cnmc
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.imaging.image import Crop
from leukoscope.data.scale import scale_of
from leukoscope.data.sources import (
    CNMC,
    OWN_NAME,
    UNKNOWN_LICENSE,
    canonical,
    is_official,
    row_sources,
)
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
        training=training_data(cohort, split.reference, synthetic),
        data=data_source(cohort, synthetic),
        license="Apache-2.0",
        recipe=recipe.to_dict(),
        scale=scale_of(cohort.select(np.isin(cohort["part"], SEEN))),
        versions={"leukoscope": __version__, **{name: version(name) for name in packages}},
        **fields,
    )


def data_source(cohort: Cohort, synthetic: bool) -> DataSource:
    """Name where the cells come from: C-NMC 2019 only if their images are official ones.

    Args:
        cohort: N cells with sha256 and part, and with `data_source` where somebody named it.
        synthetic: The cells are drawn by the package.
    """
    if synthetic:
        return DataSource("Synthetic cells", "Leukoscope", "Apache-2.0", "")
    used = cohort.select(np.isin(cohort["part"], SEEN))
    named = zip(_column(used, "data_source"), _column(used, "data_license"), strict=True)
    counts: Counter[tuple[str, str]] = Counter()
    for official, (name, license) in zip(is_official(used), named, strict=True):
        if official:
            counts[CNMC, cnmc.LICENSE] += 1
        elif name and canonical(name) == CNMC:
            counts["C-NMC 2019 as stated (not the official files)", license or cnmc.LICENSE] += 1
        else:
            counts[canonical(name) or OWN_NAME, license or UNKNOWN_LICENSE] += 1
    has_cnmc = any(name.startswith(CNMC) for name, _ in counts)
    citation = cnmc.CITATION if has_cnmc else "no citation known"
    doi = cnmc.DOI if (CNMC, cnmc.LICENSE) in counts else ""
    if len(counts) == 1:
        ((name, license),) = counts
        return DataSource(name[:1].upper() + name[1:], citation, license, doi)
    parts = sorted(counts.items(), key=lambda item: -item[1])
    return DataSource(
        " and ".join(f"{name} ({counted(count, 'image')})" for (name, _), count in parts),
        citation,
        joined(*(f"{name}: {license}" for (name, license), _ in parts)),
        doi,
    )


def ids_by_source(cohort: Cohort) -> dict[str, tuple[str, ...]]:
    """The ids of subjects and persons of each data set, "" for an unknown one."""
    ids: dict[str, set[str]] = {}
    for sources, *names in zip(
        row_sources(cohort), cohort["subject"], cohort["person"], strict=True
    ):
        for source in sources:
            ids.setdefault(source, set()).update(name for name in names if name)
    return {source: tuple(sorted(ids[source], key=natural_key)) for source in sorted(ids)}


def _column(cohort: Cohort, name: str) -> np.ndarray:
    return cohort[name] if name in cohort else np.full(len(cohort), "", object)


def training_data(cohort: Cohort, split: SplitReference, synthetic: bool) -> Training:
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
        split=split,
        persons=persons,
        subjects=tuple(sorted(set(cohort["subject"][used]) - {""}, key=natural_key)),
        hashes=pack_hashes(value for value in cohort["sha256"][used] if value),
        cells=counts,
        synthetic=synthetic,
        pixels=pack_hashes(value for value in pixels if value),
        sources=ids_by_source(cohort.select(used)),
        not_compared=int(np.sum(used & not_compared(cohort))) if "cell" in cohort else None,
    )
