"""Plan a synthetic cohort before drawing it: persons, subject ids, folds, copies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from leukoscope.data.cohort import ALL, HEM
from leukoscope.data.synthetic.cell import CellParams, draw_cell
from leukoscope.data.synthetic.person import Person, sample_cell, sample_person

ALL_FRACTION = 0.6  # fraction of the persons with label ALL
COPY_FRACTION = 0.12  # fraction of a person's images that are copies of a cell in another image


@dataclass(frozen=True)
class PlannedCell:
    """One image to draw.

    Attributes:
        path: Path relative to the folder of the cohort, with "/".
        subject: Subject id in the file name.
        person: The person, named after its first subject id.
        fold: "0", "1" or "2".
        label: 1 ALL, 0 HEM.
        drawing: (number of the person, number of the cell), the seed of the drawing.
        params: Parameters of the cell.
        copy_of: Path of the first image of the same cell, "" for a first image.
    """

    path: str
    subject: str
    person: str
    fold: str
    label: int
    drawing: tuple[int, int]
    params: CellParams
    copy_of: str = ""


def plan_cohort(persons: int, cells_per_person: int, seed: int) -> list[PlannedCell]:
    """Plan every image of a cohort; the arguments are those of `draw_cohort`."""
    labels = [_label(number) for number in range(persons)]
    alias = {
        ALL: labels.count(ALL),
        HEM: labels.count(HEM),
    }  # further ids come after the first ones
    seen = {ALL: 0, HEM: 0}
    plan: list[PlannedCell] = []
    for number, label in enumerate(labels):
        place = seen[label]
        seen[label] += 1
        ids = [place + 1]
        for _ in range(_extra_ids(place)):
            alias[label] += 1
            ids.append(alias[label])
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, number)))
        prefix = "S" if label == ALL else "HS"
        subjects = [
            _Subject(f"{prefix}{prefix_number}", str((place + turn) % 3), label)
            for turn, prefix_number in enumerate(ids)
        ]
        plan += _plan_person(rng, number, subjects, cells_per_person, seed)
    return plan


def draw_planned(cell: PlannedCell, seed: int) -> np.ndarray:
    """Draw one image of a plan, uint8 `(450, 450, 3)`; it depends on plan and seed only."""
    return draw_cell(_cell_rng(seed, cell.drawing, purpose=2), cell.params)


@dataclass(frozen=True)
class _Subject:
    name: str
    fold: str
    label: int

    def path(self, image: int, cell: int) -> str:
        kind = "all" if self.label == ALL else "hem"
        return f"fold_{self.fold}/{kind}/UID_{self.name}_{image}_{cell}_{kind}.bmp"


def _label(number: int) -> int:
    """ALL for `ALL_FRACTION` of the persons, evenly, so a larger cohort extends a smaller one."""
    tenths = round(10 * ALL_FRACTION)
    return ALL if (number + 1) * tenths // 10 > number * tenths // 10 else HEM


def _extra_ids(place: int) -> int:
    """Every fourth person of a class has a second id, every twelfth a third."""
    return int(place % 4 == 0) + int(place % 12 == 0)


def _cell_rng(seed: int, drawing: tuple[int, int], purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *drawing)))


def _plan_person(
    rng: np.random.Generator, number: int, subjects: list[_Subject], cells: int, seed: int
) -> Iterator[PlannedCell]:
    person: Person = sample_person(rng, subjects[0].label)
    copies = round(COPY_FRACTION * cells)
    firsts = cells - copies
    names = {subject.name: _names(rng, subject) for subject in subjects}
    drawn: list[PlannedCell] = []
    for i in range(firsts):
        subject = subjects[i * len(subjects) // firsts]
        params = sample_cell(_cell_rng(seed, (number, i), purpose=1), person)
        drawn.append(
            PlannedCell(
                path=next(names[subject.name]),
                subject=subject.name,
                person=subjects[0].name,
                fold=subject.fold,
                label=subject.label,
                drawing=(number, i),
                params=params,
            )
        )
    yield from drawn
    for turn, i in enumerate(rng.permutation(firsts)[:copies]):
        first = drawn[i]
        # As in the real data set, a copy has another id of the person if there is one.
        others = [s for s in subjects if s.name != first.subject] or subjects
        subject = others[turn % len(others)]
        identical = len(subjects) > 1 and turn % 3 == 0
        yield replace(
            first,
            path=next(names[subject.name]),
            subject=subject.name,
            fold=subject.fold,
            params=first.params if identical else _renormalized(rng, first.params),
            copy_of=first.path,
        )


def _names(rng: np.random.Generator, subject: _Subject) -> Iterator[str]:
    """Paths of the cells of a subject: microscope images 1, 2, ... with one to three cells each."""
    stream = np.random.default_rng(rng.integers(2**32))
    image = 0
    while True:
        image += 1
        for cell in range(1, int(stream.integers(1, 4)) + 1):
            yield subject.path(image, cell)


def _renormalized(rng: np.random.Generator, params: CellParams) -> CellParams:
    gain = np.exp(rng.normal(0, 0.06) + rng.normal(0, 0.03, 3))
    red, green, blue = (float(channel) for channel in np.array(params.stain) * gain)
    return replace(params, stain=(red, green, blue), defocus=float(rng.uniform(0.6, 1.8)))
