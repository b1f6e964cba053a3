"""The split as a value: the subset of each person, its leaks, and its JSON file."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from leukoscope.core.dataclass_reader import build, parse_object
from leukoscope.core.errors import LeakageError, SplitError
from leukoscope.core.files import natural_key, write_text
from leukoscope.core.listing import listed
from leukoscope.core.tables import text_column
from leukoscope.core.values import SplitReference
from leukoscope.data.cnmc.cnmc import UNKNOWN
from leukoscope.data.cohort import Cohort

PARTS = ("train", "validation", "test")
Kind = Literal["person", "subject", "image", "official", "leave-one-person-out", "k-fold"]
KINDS: tuple[str, ...] = get_args(Kind)
OFFICIAL_FOLDS = ("0", "1", "2")
Schema = Literal["leukoscope-split-1"]
(SCHEMA,) = get_args(Schema)


@dataclass(frozen=True)
class Split:
    """Assignment of persons, subjects or images to subsets.

    Attributes:
        kind: Kind of split, one of `KINDS`.
        seed: Random seed.
        unit: Column of the cohort that `parts` is keyed by: "person", "subject" or "path".
        parts: Value of that column to "train", "validation" or "test". An image is keyed by the end
            of its path, so that the split is valid on another machine.
        leaky: True if a person, image or cell is in two subsets, or can be (image splits). Metrics
            on such a split are too good.
        warnings: Remarks for readers of the results, a line each.
    """

    kind: str
    seed: int
    unit: str
    parts: Mapping[str, str]
    leaky: bool
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.units(part)):,} {part}" for part in PARTS)
        unit = "images" if self.unit == "path" else f"{self.unit}s"
        leaky = ", LEAKY" * self.leaky
        return f"<Split by {self.kind}, seed {self.seed}{leaky}: {counts} {unit}>"

    @property
    def reference(self) -> SplitReference:
        """The reference to this split in a model card."""
        return SplitReference(self.kind, self.seed, self.leaky)

    def units(self, part: str) -> list[str]:
        """The persons, subjects or images of a subset, in natural order."""
        return sorted((name for name, p in self.parts.items() if p == part), key=natural_key)

    def apply(self, cohort: Cohort) -> Cohort:
        """Add the column `part`, as `apply_split` does."""
        return apply_split(cohort, self)


def apply_split(cohort: Cohort, split: Split) -> Cohort:
    """Add the column `part`.

    It is "" for a cell without a label and, in an official split, for the official test sets.

    Raises:
        SplitError: The split lacks the person, subject or image of a labeled cell.
    """
    keys = unit_keys(cohort, split.unit)
    if split.unit == "path" and not set(keys) & set(split.parts):
        keys = cohort["path"]
    labeled = cohort["label"] != UNKNOWN
    if split.kind == "official":
        labeled &= np.isin(cohort["fold"], OFFICIAL_FOLDS)
    unknown = set(keys[labeled]) - set(split.parts)
    if unknown:
        raise SplitError(
            f"{cohort.source or 'the cohort'}: the split does not contain "
            f"{listed(unknown)} (by {split.unit}); make a new split of this cohort."
        )
    part = [split.parts[key] if known else "" for key, known in zip(keys, labeled, strict=True)]
    return cohort.with_columns(part=text_column(part))


def unit_keys(cohort: Cohort, unit: str) -> np.ndarray:
    """Keys of a split, a value per row.

    The key of an image is the last four levels of its path, or all of it if those are not unique.
    """
    if unit != "path":
        return cohort[unit]
    tails = text_column(["/".join(path.parts[-4:]) for path in cohort.paths])
    return tails if len(set(tails)) == len(tails) else cohort["path"]


def straddling(cohort: Cohort) -> dict[str, set[str]]:
    """Persons with cells in more than one subset: person to subsets, in natural order."""
    return _straddling(cohort, "person")


def leaks(cohort: Cohort) -> tuple[str, ...]:
    """Describe each overlap of the subsets, a line each: by person, file, pixels and cell.

    The lines are written into split.json as warnings.
    """
    lines = []
    # Readers need to know the persons; one hash is enough as an example.
    for column, noun, shown in (
        ("person", "person", 12),
        ("sha256", "image", 1),
        ("pixel_sha256", "re-encoded image", 1),
        ("cell", "cell", 1),
    ):
        overlap = _straddling(cohort, column) if column in cohort else {}
        if column == "pixel_sha256":  # identical files are listed already
            files = {name: set(cohort["sha256"][cohort[column] == name]) for name in overlap}
            overlap = {name: parts for name, parts in overlap.items() if len(files[name]) > 1}
        if overlap:
            names = [
                f"{name[:16]} ({', '.join(sorted(parts, key=PARTS.index))})"
                for name, parts in overlap.items()
            ]
            count = f"{len(overlap)} {noun}{'s are' if len(overlap) > 1 else ' is'}"
            lines.append(f"{count} in more than one subset: {listed(names, shown)}")
    return tuple(lines)


def check_disjoint(cohort: Cohort) -> None:
    """Check that no person, image hash or linked cell is in two subsets.

    Raises:
        LeakageError: There is an overlap; the message names the first ones.
    """
    if overlaps := leaks(cohort):
        raise LeakageError(
            f"The subsets are not independent: {'; '.join(overlaps)}. Split over persons."
        )


def write_split(split: Split, path: Path | str) -> None:
    """Write a JSON file with the persons, subjects or images of every subset."""
    content = {
        "schema": SCHEMA,
        "kind": split.kind,
        "seed": split.seed,
        "leaky": split.leaky,
        "warnings": list(split.warnings),
        "unit": split.unit,
        "parts": {part: split.units(part) for part in PARTS},
    }
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_split(path: Path | str) -> Split:
    """Read a file of `write_split`.

    Raises:
        SplitError: The file is absent or invalid, or contains a unit twice.
    """
    try:
        content = parse_object(Path(path).read_text(encoding="utf-8"), "it")
    except (OSError, ValueError) as error:
        raise SplitError(f"{path}: cannot be read as a split ({error}).") from error
    try:
        return _split(build(_SplitFile, content))
    except ValueError as error:
        raise SplitError(
            f"{path}: is not a valid split file ({error}); make the split again."
        ) from error


@dataclass(frozen=True)
class _Parts:
    """The persons, subjects or images of each part."""

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class _SplitFile:
    """A split as its file holds it."""

    schema: Schema
    kind: Kind
    seed: int
    leaky: bool
    warnings: tuple[str, ...]
    unit: Literal["person", "subject", "path"]
    parts: _Parts


def _split(file: _SplitFile) -> Split:
    parts: dict[str, str] = {}
    for part in PARTS:
        for name in getattr(file.parts, part):
            if name in parts:
                raise ValueError(f"{name!r} is in {parts[name]} and in {part}")
            parts[name] = part
    parts = {name: parts[name] for name in sorted(parts, key=natural_key)}
    return Split(file.kind, file.seed, file.unit, parts, file.leaky, file.warnings)


def _straddling(cohort: Cohort, column: str) -> dict[str, set[str]]:
    parts: dict[str, set[str]] = defaultdict(set)
    for name, part in zip(cohort[column], cohort["part"], strict=True):
        if name and part:
            parts[name].add(part)
    names = sorted((name for name, p in parts.items() if len(p) > 1), key=natural_key)
    return {name: parts[name] for name in names}
