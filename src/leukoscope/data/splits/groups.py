"""Groups of persons that a split must keep together, because they share an image or a cell."""

import numpy as np

from leukoscope.core.errors import SplitError
from leukoscope.core.files import natural_key
from leukoscope.core.wording import count
from leukoscope.data.cnmc.cnmc import ALL, HEM, UNKNOWN
from leukoscope.data.cohort import Cohort
from leukoscope.data.ids import alike, are_of_images, quoted, rounded_note


def linked_persons(cohort: Cohort) -> dict[str, str]:
    """Link persons who share an image or a cell, or whose ids are written alike.

    Returns:
        Person to the first person of its group in natural order.

    Raises:
        SplitError: The person of a labeled cell is unknown.
    """
    linked = ungrouped(cohort, "person")

    def root(person: str) -> str:
        while linked[person] != person:
            person = linked[person]
        return person

    for column in ("sha256", "pixel_sha256", "cell"):
        if column not in cohort:
            continue
        seen: dict[str, str] = {}
        for person, value in zip(cohort["person"], cohort[column], strict=True):
            if person in linked and value:
                first, second = sorted(
                    (root(person), root(seen.setdefault(value, person))), key=natural_key
                )
                linked[second] = first
    for group in alike(linked):
        first = root(group[0])
        for person in group[1:]:
            linked[root(person)] = first
    return {person: root(person) for person in linked}


def id_warnings(cohort: Cohort, unit: str) -> list[str]:
    """Warnings for ids of labeled cells: written alike, rounded, or one per image."""
    names = cohort[unit][cohort["label"] != UNKNOWN]
    groups = alike(names)
    outcome = "are kept in one subset" if unit == "person" else "may be in several subsets"
    warnings = [
        f"{unit.capitalize()} ids {', '.join(quoted(group))} may be one person written in "
        f"several ways; they {outcome}. Write each person in one way."
        for group in groups
    ]
    if line := rounded_note(names):
        warnings.append(line)
    if are_of_images(names):
        warnings.append(
            f"Nearly every image has a {unit} id of its own ({count(len(set(names)), 'id')} for "
            f"{count(len(names), 'image')}). If these are ids of images, the cells of one person "
            "are in several subsets, and results are too good for new persons."
        )
    return warnings


def linked_warnings(linked: dict[str, str]) -> list[str]:
    """A warning for each group of persons that no audit has linked."""
    groups: dict[str, list[str]] = {}
    for person, root in linked.items():
        groups.setdefault(root, []).append(person)
    return [
        f"Persons {', '.join(group)} share an image or a cell and were kept in one part."
        for group in groups.values()
        if len(group) > 1 and len(alike(group)) != 1
    ]


def ungrouped(cohort: Cohort, unit: str) -> dict[str, str]:
    """Make each person or subject with labeled cells a group of its own.

    Raises:
        SplitError: There is no labeled cell, or the person or subject of one is unknown.
    """
    labeled = cohort["label"] != UNKNOWN
    names = cohort[unit][labeled]
    if not len(names):
        raise SplitError(
            f"{cohort.source or 'the cohort'}: no cell has a label; a split needs labels."
        )
    if nameless := int(np.sum(names == "")):
        raise SplitError(
            f"{cohort.source or 'the cohort'}: {nameless} labeled cells have no {unit}, "
            f"so leaks cannot be detected. Add a column 'subject', or split over images (leaky)."
        )
    return {name: name for name in sorted(set(names), key=natural_key)}


def grouped(
    cohort: Cohort, linked: dict[str, str], unit: str = "person"
) -> tuple[list[list[str]], np.ndarray]:
    """List the groups in natural order, with their numbers of ALL and HEM cells, int (N, 2)."""
    roots = sorted(set(linked.values()), key=natural_key)
    number = {root: index for index, root in enumerate(roots)}
    groups: list[list[str]] = [[] for _ in roots]
    for name, root in linked.items():
        groups[number[root]].append(name)
    cells = np.zeros((len(roots), 2), dtype=int)
    for column, label in enumerate((ALL, HEM)):
        rows = cohort["label"] == label
        for name in cohort[unit][rows]:
            cells[number[linked[name]], column] += 1
    return groups, cells
