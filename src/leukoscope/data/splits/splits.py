"""Make splits: over persons, k-fold, leave-one-person-out, the official folds, and leaky splits.

Persons that share an identical image or a cell stay together even if no audit has linked them. So
no person, image or cell is in two subsets of a split over persons.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.core.files import natural_key
from leukoscope.core.seeds import generator
from leukoscope.core.several import several
from leukoscope.data.audit.checked import remarks
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES, UNKNOWN
from leukoscope.data.cnmc.copies import copies_note
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.groups import (
    grouped,
    id_warnings,
    linked_persons,
    linked_warnings,
    ungrouped,
)
from leukoscope.data.splits.partition import (
    OFFICIAL_FOLDS,
    PARTS,
    Split,
    apply_split,
    check_disjoint,
    leaks,
    read_split,
    straddling,
    unit_keys,
    write_split,
)
from leukoscope.data.splits.stratify import stratified_parts

__all__ = [
    "PARTS",
    "Split",
    "apply_split",
    "check_disjoint",
    "folds",
    "leave_one_person_out",
    "read_split",
    "split_cohort",
    "straddling",
    "write_split",
]

# Half of the cells are for training. The test subset is larger than validation, because intervals
# over persons need at least three persons of each class there.
FRACTIONS = (0.5, 0.2, 0.3)
# The warnings are written into split.json.
IMAGE_WARNING = (
    "Split over images: cells of one person are in every subset, so the results are too good."
)
NO_AUDIT = (
    "Persons are the subject ids as given: no audit was made, and one person may have several ids."
)


def split_cohort(
    cohort: Cohort,
    kind: str = "person",
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    test_fold: str = "2",
) -> Split:
    """Divide a cohort into train, validation and test.

    The same cohort and seed give the same split, whatever the order of the rows.

    Args:
        cohort: The cells. Cells without a label are in no subset.
        kind: "person" (without leaks), "subject" (official ids; a person can have several),
            "image" (leaky: the protocol of many published results) or "official" (one of the
            official folds is the test).
        fractions: Fractions of train, validation and test; the last two may be 0. The official
            split uses the ratio of the first two.
        seed: Random seed.
        test_fold: The official fold for the test.

    Raises:
        SplitError: The kind is unknown, the fractions are invalid, the person of a cell is unknown,
            or there are too few persons.
    """
    wanted = _normalized(fractions)
    random = generator(seed)
    makers: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        "person": lambda: ("person", _over_groups(cohort, linked_persons(cohort), wanted, random)),
        "subject": lambda: (
            "subject",
            _over_groups(cohort, ungrouped(cohort, "subject"), wanted, random, "subject"),
        ),
        "image": lambda: ("path", _over_images(cohort, wanted, random)),
        "official": lambda: ("subject", _official(cohort, str(test_fold), wanted, random)),
    }
    if kind not in makers:
        raise SplitError(f"{kind!r} is not a kind of split; choose {', '.join(makers)}.")
    return _finished(cohort, kind, seed, *makers[kind]())


def folds(cohort: Cohort, k: int = 5, seed: int = 0) -> list[Split]:
    """Make k splits over persons: fold i is the test, the next is validation, the others train.

    Raises:
        SplitError: k is below 3, or a class has fewer than k persons.
    """
    if k < 3:
        raise SplitError(f"k is {k}; train, validation and test need at least 3 folds.")
    groups, cells = grouped(cohort, linked_persons(cohort))
    names = [f"fold {number}" for number in range(k)]
    fold = stratified_parts(cells, [1 / k] * k, names, generator(seed))
    splits = []
    for number in range(k):
        part = {number: "test", (number + 1) % k: "validation"}
        parts = {
            person: part.get(int(index), "train")
            for group, index in zip(groups, fold, strict=True)
            for person in group
        }
        splits.append(_finished(cohort, "k-fold", seed, "person", parts))
    return splits


def leave_one_person_out(cohort: Cohort, seed: int = 0) -> list[Split]:
    """Make a split per person: the person is the test; a quarter of the others is validation.

    Persons that share an image or a cell are left out together.

    Raises:
        SplitError: Without the left-out person, a class has fewer than two persons.
    """
    groups, cells = grouped(cohort, linked_persons(cohort))
    splits = []
    for left_out, tested in enumerate(groups):
        others = np.arange(len(groups)) != left_out
        random = generator(seed, left_out)
        part = stratified_parts(cells[others], (0.75, 0.25), PARTS[:2], random)
        parts = _named([groups[index] for index in np.flatnonzero(others)], part, PARTS)
        parts |= dict.fromkeys(tested, "test")
        splits.append(_finished(cohort, "leave-one-person-out", seed, "person", parts))
    return splits


def _over_groups(
    cohort: Cohort,
    linked: dict[str, str],
    fractions: dict[str, float],
    random: np.random.Generator,
    unit: str = "person",
) -> dict[str, str]:
    groups, cells = grouped(cohort, linked, unit)
    part = stratified_parts(cells, list(fractions.values()), list(fractions), random)
    return _named(groups, part, list(fractions))


def _named(groups: Sequence[list[str]], part: np.ndarray, names: Sequence[str]) -> dict[str, str]:
    return {name: names[index] for group, index in zip(groups, part, strict=True) for name in group}


def _over_images(
    cohort: Cohort, fractions: dict[str, float], random: np.random.Generator
) -> dict[str, str]:
    keys, names = unit_keys(cohort, "path"), list(fractions)
    cuts = np.cumsum(list(fractions.values()))[:-1]
    parts: dict[str, str] = {}
    for label in (ALL, HEM):
        images = sorted(keys[cohort["label"] == label], key=natural_key)
        if len(images) < len(names):
            raise SplitError(
                f"{LABEL_NAMES[label]} has {len(images)} images, too few for {len(names)} subsets."
            )
        order = random.permutation(len(images))
        for part, chosen in zip(
            names, np.split(order, np.rint(cuts * len(images)).astype(int)), strict=True
        ):
            parts |= {images[index]: part for index in chosen}
    return parts


def _official(
    cohort: Cohort, test_fold: str, fractions: dict[str, float], random: np.random.Generator
) -> dict[str, str]:
    """Use one official fold as test, and split the persons of the others."""
    inside = (cohort["label"] != UNKNOWN) & np.isin(cohort["fold"], OFFICIAL_FOLDS)
    present = sorted(set(cohort["fold"][inside]))
    if test_fold not in present or len(present) < 2:
        raise SplitError(
            f"{cohort.source or 'the cohort'}: has labeled cells of the official folds "
            f"{', '.join(present) or '(none)'}; testing on fold {test_fold} needs it and another."
        )
    folds_of: dict[str, str] = {}
    for subject, fold in zip(cohort["subject"][inside], cohort["fold"][inside], strict=True):
        if folds_of.setdefault(subject, fold) != fold:
            raise SplitError(
                f"{cohort.source or 'the cohort'}: subject {subject or '(unknown)'} is in "
                f"folds {folds_of[subject]} and {fold}; in the official folds a subject is in one."
            )
    training = cohort.select(inside & (cohort["fold"] != test_fold))
    both = {part: value for part, value in fractions.items() if part != "test"}
    whole = {part: value / sum(both.values()) for part, value in both.items()}
    person_part = _over_groups(training, linked_persons(training), whole, random)
    parts = {
        subject: person_part[person]
        for subject, person in zip(training["subject"], training["person"], strict=True)
    }
    return parts | {subject: "test" for subject, fold in folds_of.items() if fold == test_fold}


def _normalized(fractions: Sequence[float]) -> dict[str, float]:
    fractions = tuple(several(fractions))
    try:
        named = dict(zip(PARTS, map(float, fractions), strict=False))
    except (TypeError, ValueError):
        named = {}
    valid = len(named) == len(fractions) == len(PARTS)
    valid = valid and all(0 <= value <= 1 for value in named.values())
    if not valid or abs(sum(named.values()) - 1) > 1e-6 or named["train"] == 0:
        raise SplitError(
            f"fractions are {', '.join(map(str, fractions))}; give three for train, validation and "
            "test, from 0 to 1, with a sum of 1 and train above 0."
        )
    total = sum(named.values())
    return {part: value / total for part, value in named.items() if value > 0}


def _finished(cohort: Cohort, kind: str, seed: int, unit: str, parts: dict[str, str]) -> Split:
    ordered = {name: parts[name] for name in sorted(parts, key=natural_key)}
    split = Split(kind, seed, unit, ordered, leaky=False)
    overlaps = leaks(apply_split(cohort, split))
    warnings = overlaps
    if kind == "image":
        warnings = (IMAGE_WARNING, *overlaps)
    elif "cell" not in cohort:
        warnings = (NO_AUDIT, *overlaps)
    official = cohort.columns.get("official")
    warnings = (*warnings, *remarks(cohort), *copies_note([] if official is None else official))
    if unit == "person":
        warnings = (*warnings, *linked_warnings(linked_persons(cohort)))
    named = unit if unit in ("person", "subject") else "person"
    warnings = (*warnings, *id_warnings(cohort, named))
    return replace(split, leaky=kind == "image" or bool(overlaps), warnings=warnings)
