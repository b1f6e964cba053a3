"""Make splits: over persons, k-fold, leave one person out, the official folds, and the leaky ones.

Persons that share an identical image or a cell are kept together even where no audit has made them
one, so that no person, image or cell is ever on two sides of a split over persons.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.core.files import natural_key
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES, UNKNOWN
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.groups import grouped, linked_persons, linked_warnings, ungrouped
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

# Half the cells train. The test part is larger than validation, for intervals over persons need at
# least three persons of each class there.
FRACTIONS = (0.5, 0.2, 0.3)
IMAGE_WARNING = (
    "Split over images: cells of one person stand in every part, so results on it flatter."
)
NO_AUDIT = (
    "Persons are the subject ids as given: no audit was made, "
    "and one person may stand under several ids."
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
        cohort: The cells. Those without a label stand in no part.
        kind: "person" (the honest one), "subject" (official ids, one person may have several),
            "image" (leaky: the protocol behind many published figures) or "official" (one of the
            official folds is the test).
        fractions: Wanted shares of train, validation and test; the last two may be 0. The official
            split takes the ratio of the first two.
        seed: Source of the draws.
        test_fold: The official fold to test on.

    Raises:
        SplitError: An unknown kind, fractions that make no sense, cells of unknown person, or too
            few persons.
    """
    shares = _checked(fractions)
    random = _random(seed)
    makers: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        "person": lambda: ("person", _over_groups(cohort, linked_persons(cohort), shares, random)),
        "subject": lambda: (
            "subject",
            _over_groups(cohort, ungrouped(cohort, "subject"), shares, random, "subject"),
        ),
        "image": lambda: ("path", _over_images(cohort, shares, random)),
        "official": lambda: ("subject", _official(cohort, str(test_fold), shares, random)),
    }
    if kind not in makers:
        raise SplitError(f"{kind!r} is no kind of split; choose {', '.join(makers)}.")
    return _finished(cohort, kind, seed, *makers[kind]())


def folds(cohort: Cohort, k: int = 5, seed: int = 0) -> list[Split]:
    """Make k splits over persons: fold i is the test, the next one validation, the others train.

    Raises:
        SplitError: k below 3, or a class with fewer than k persons.
    """
    if k < 3:
        raise SplitError(f"k is {k}: train, validation and test take at least 3 folds.")
    groups, cells = grouped(cohort, linked_persons(cohort))
    names = [f"fold {number}" for number in range(k)]
    fold = stratified_parts(cells, [1 / k] * k, names, _random(seed))
    splits = []
    for number in range(k):
        part = {number: "test", (number + 1) % k: "validation"}
        parts = {
            person: part.get(int(own), "train")
            for group, own in zip(groups, fold, strict=True)
            for person in group
        }
        splits.append(_finished(cohort, "k-fold", seed, "person", parts))
    return splits


def leave_one_person_out(cohort: Cohort, seed: int = 0) -> list[Split]:
    """A split for each person: that one is the test; of the others a quarter is validation.

    Persons that share an image or a cell are left out together.

    Raises:
        SplitError: Without the person left out, a class has fewer than two persons.
    """
    groups, cells = grouped(cohort, linked_persons(cohort))
    splits = []
    for left_out, tested in enumerate(groups):
        others = np.arange(len(groups)) != left_out
        random = _random(seed, left_out)
        part = stratified_parts(cells[others], (0.75, 0.25), PARTS[:2], random)
        parts = _named([groups[index] for index in np.flatnonzero(others)], part, PARTS)
        parts |= dict.fromkeys(tested, "test")
        splits.append(_finished(cohort, "leave-one-person-out", seed, "person", parts))
    return splits


def _random(*seed: int) -> np.random.Generator:
    if min(seed) < 0:
        raise SplitError(f"the seed is {seed[0]}; give 0 or a larger whole number.")
    return np.random.default_rng(seed)


def _over_groups(
    cohort: Cohort,
    linked: dict[str, str],
    shares: dict[str, float],
    random: np.random.Generator,
    unit: str = "person",
) -> dict[str, str]:
    groups, cells = grouped(cohort, linked, unit)
    part = stratified_parts(cells, list(shares.values()), list(shares), random)
    return _named(groups, part, list(shares))


def _named(groups: Sequence[list[str]], part: np.ndarray, names: Sequence[str]) -> dict[str, str]:
    return {name: names[index] for group, index in zip(groups, part, strict=True) for name in group}


def _over_images(
    cohort: Cohort, shares: dict[str, float], random: np.random.Generator
) -> dict[str, str]:
    keys, names = unit_keys(cohort, "path"), list(shares)
    cuts = np.cumsum(list(shares.values()))[:-1]
    parts: dict[str, str] = {}
    for label in (ALL, HEM):
        images = sorted(keys[cohort["label"] == label], key=natural_key)
        if len(images) < len(names):
            raise SplitError(
                f"{LABEL_NAMES[label]} has {len(images)} images, too few for {len(names)} parts."
            )
        order = random.permutation(len(images))
        for part, chosen in zip(
            names, np.split(order, np.rint(cuts * len(images)).astype(int)), strict=True
        ):
            parts |= {images[index]: part for index in chosen}
    return parts


def _official(
    cohort: Cohort, test_fold: str, shares: dict[str, float], random: np.random.Generator
) -> dict[str, str]:
    """One fold is the test as it is; validation is persons out of the others."""
    inside = (cohort["label"] != UNKNOWN) & np.isin(cohort["fold"], OFFICIAL_FOLDS)
    found = sorted(set(cohort["fold"][inside]))
    if test_fold not in found or len(found) < 2:
        raise SplitError(
            f"{cohort.source or 'the cohort'}: has labeled cells of the official folds "
            f"{', '.join(found) or '(none)'}; testing on fold {test_fold} takes it and another."
        )
    folds_of: dict[str, str] = {}
    for subject, fold in zip(cohort["subject"][inside], cohort["fold"][inside], strict=True):
        if folds_of.setdefault(subject, fold) != fold:
            raise SplitError(
                f"{cohort.source or 'the cohort'}: subject {subject or '(unknown)'} stands in "
                f"folds {folds_of[subject]} and {fold}; the official folds hold every subject once."
            )
    training = cohort.select(inside & (cohort["fold"] != test_fold))
    both = {part: share for part, share in shares.items() if part != "test"}
    whole = {part: share / sum(both.values()) for part, share in both.items()}
    person_part = _over_groups(training, linked_persons(training), whole, random)
    parts = {
        subject: person_part[person]
        for subject, person in zip(training["subject"], training["person"], strict=True)
    }
    return parts | {subject: "test" for subject, fold in folds_of.items() if fold == test_fold}


def _checked(fractions: Sequence[float]) -> dict[str, float]:
    shares = dict(zip(PARTS, map(float, fractions), strict=False))
    sound = len(fractions) == len(PARTS) and all(0 <= share <= 1 for share in shares.values())
    if not sound or abs(sum(shares.values()) - 1) > 1e-6 or shares["train"] == 0:
        raise SplitError(
            f"fractions are {', '.join(map(str, fractions))}; give three for train, validation and "
            "test, from 0 to 1 with a sum of 1 and some training."
        )
    total = sum(shares.values())
    return {part: share / total for part, share in shares.items() if share > 0}


def _finished(cohort: Cohort, kind: str, seed: int, unit: str, parts: dict[str, str]) -> Split:
    ordered = {name: parts[name] for name in sorted(parts, key=natural_key)}
    split = Split(kind, seed, unit, ordered, leaky=False)
    found = leaks(apply_split(cohort, split))
    warnings = found
    if kind == "image":
        warnings = (IMAGE_WARNING, *found)
    elif "cell" not in cohort:
        warnings = (NO_AUDIT, *found)
    if unit == "person":
        warnings = (*warnings, *linked_warnings(linked_persons(cohort)))
    return replace(split, leaky=kind == "image" or bool(found), warnings=warnings)
