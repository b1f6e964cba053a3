"""Count the cells, subjects, persons and folds of a cohort."""

from collections import Counter
from pathlib import Path
from typing import Any

from leukoscope.core.sampling import evenly_spread
from leukoscope.data.advice import advice
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.opening import open_picture

SAMPLE = 200


def describe(cohort: Cohort) -> dict[str, Any]:
    """Count cells, subjects and persons.

    Returns:
        Plain values, ready for JSON: source; cells and subjects by class; audited; persons by
        class, or None where neither an audit nor the table says which subjects are one person;
        cells by fold and class; image_sizes ("450x450" to count) and image_sizes_of, the number of
        files whose headers were read for it, evenly spaced and at most `SAMPLE`; flags; notes.
    """
    folds = [*cohort.unique("fold"), *([""] if "" in cohort["fold"] else [])]
    return {
        "source": cohort.source,
        "cells": {"total": len(cohort), **cohort.counts()},
        "subjects": _names(cohort, "subject"),
        "audited": "cell" in cohort,
        "persons": _names(cohort, "person") if _persons_are_known(cohort) else None,
        "folds": {fold or "none": cohort.select(cohort["fold"] == fold).counts() for fold in folds},
        "image_sizes": _sizes(cohort),
        "image_sizes_of": min(SAMPLE, len(cohort)),
        "flags": dict(Counter(f for flags in cohort["flags"] for f in flags.split(";") if f)),
        "notes": [*cohort.notes, *advice(cohort)],
    }


def _persons_are_known(cohort: Cohort) -> bool:
    """True if an audit has linked subjects to persons, or the table names other persons."""
    return "cell" in cohort or bool((cohort["person"] != cohort["subject"]).any())


def _names(cohort: Cohort, column: str) -> dict[str, int]:
    known = {"total": len(cohort.unique(column))}
    for label in (ALL, HEM):
        known[LABEL_NAMES[label]] = len(cohort.select(cohort["label"] == label).unique(column))
    return known


def _sizes(cohort: Cohort) -> dict[str, int]:
    rows = evenly_spread(len(cohort), SAMPLE)
    sizes: Counter[str] = Counter()
    for path in cohort["path"][rows]:
        try:
            with open_picture(Path(path)) as image:
                sizes[f"{image.width}x{image.height}"] += 1
        except Exception:  # decoders of hostile bytes raise nearly anything
            sizes["unreadable"] += 1
    return dict(sizes.most_common())
