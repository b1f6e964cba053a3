"""The contact sheet of an audit: pairs side by side, to be checked by eye, in one HTML file.

It is bounded whatever the cohort. Pairs of two labels come first, then for every two subjects that
were linked the pair most in doubt, then what is left, most in doubt first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.files import natural_key
from leukoscope.data.audit.matching import oriented
from leukoscope.data.cnmc.cnmc import LABEL_NAMES
from leukoscope.data.imaging.foreground import solid_mask
from leukoscope.data.imaging.image import Crop, decode, fixed_scale_crop
from leukoscope.data.synthetic.notice import synthetic_notice

if TYPE_CHECKING:
    from markupsafe import Markup

    from leukoscope.data.audit.audit import AuditResult

MAX_PAIRS = 200
SIDE = 144  # pixels a cell is shown at
GAP = 4


def write_contact_sheet(result: "AuditResult", path: Path | str) -> Path:
    """Write the sheet of at most `MAX_PAIRS` pairs and return its path.

    Args:
        result: What `audit` found. Pairs whose images are no longer there are left out.
        path: The HTML file.
    """
    from leukoscope.core.html import heading, note, paragraph, write_page

    count, conflict = len(result.pairs["kind"]), result.label_conflicts
    parts = [*synthetic_notice(result.cohort), paragraph(_summary(result))]
    parts += [heading("Persons"), _persons(result)]
    order = pair_order(result)[:MAX_PAIRS]
    suspect = [row for row in order if conflict[row]]
    linking = [row for row in order if not conflict[row]]
    if suspect:
        parts += [heading("Suspected label errors")]
        parts += [
            note(
                "One cell under both labels. These pairs link nobody; check the labels.", "warning"
            )
        ]
        parts += [_grid(result, suspect)]
    if linking:
        parts += [heading("One cell, two images"), _grid(result, linking)]
    if len(order) < count:
        parts += [
            paragraph(f"{len(order)} of {count} pairs are shown; all are in the table of pairs.")
        ]
    return write_page(path, "Audit: the same cell twice", parts, subtitle=result.cohort.source)


def pair_order(result: "AuditResult") -> list[int]:
    """Rows of `result.pairs` in the order in which a person should check them."""
    pairs, conflict = result.pairs, result.label_conflicts
    doubt = sorted(range(len(conflict)), key=lambda row: (pairs["correlation"][row], row))
    first_of: dict[tuple[str, str], int] = {}
    for row in doubt:
        a, b = sorted((pairs["subject_a"][row], pairs["subject_b"][row]))
        if a != b and not conflict[row]:
            first_of.setdefault((a, b), row)
    leading = set(first_of.values())
    return sorted(doubt, key=lambda row: 0 if conflict[row] else 1 if row in leading else 2)


def _summary(result: "AuditResult") -> str:
    kinds = list(result.pairs["kind"])
    subjects, persons = len(result.persons), len(set(result.persons.values()))
    return (
        f"{len(result.cohort)} images: {kinds.count('exact')} exact copies, "
        f"{kinds.count('same-cell')} further pairs that show one cell. "
        f"{subjects} subject ids are {persons} persons."
    )


def _persons(result: "AuditResult") -> "Markup":
    from leukoscope.core.html import paragraph, table

    if not result.linked:
        return paragraph("No two subjects share a cell: each subject id is a person.")
    rows = []
    for person in sorted(result.linked, key=natural_key):
        ids = set(result.linked[person])
        between = [
            a != b and a in ids
            for a, b in zip(result.pairs["subject_a"], result.pairs["subject_b"], strict=True)
        ]
        joining = sum(np.array(between, dtype=bool) & ~result.label_conflicts)
        rows.append((person, " ".join(result.linked[person]), int(joining)))
    return table(("person", "subject ids", "pairs between them"), rows)


def _grid(result: "AuditResult", rows: Sequence[int]) -> "Markup":
    from leukoscope.core.html import image_grid

    shown = []
    for row in rows:
        pair = {name: column[row] for name, column in result.pairs.items()}
        try:
            picture = side_by_side(decode(pair["path_a"]), decode(pair["path_b"]), pair["turn"])
        except ImageError:
            continue
        shown.append((picture, _caption(pair)))
    return image_grid(shown, size=2 * SIDE)


def _caption(pair: dict[str, Any]) -> str:
    names = " | ".join(
        f"{Path(str(pair[f'path_{side}'])).name} {LABEL_NAMES[pair[f'label_{side}']]}".strip()
        for side in "ab"
    )
    if pair["kind"] == "exact":
        return f"{names}: same file"
    turn = "" if pair["turn"] == "0" else f", turned {pair['turn']}"
    return (
        f"{names}: correlation {pair['correlation']:.2f}, outline {pair['outline_iou']:.2f}, "
        f"moved {pair['shift']:.0f} px{turn}"
    )


def side_by_side(first: np.ndarray, second: np.ndarray, turn: str = "0") -> np.ndarray:
    """Two cells at one scale, the first turned as it was matched; uint8 (SIDE, 2 SIDE + GAP, 3)."""
    words = turn.split()
    mirror, quarters = words[0] == "mirrored", int(words[-1]) // 90
    planes = np.moveaxis(first, 2, 0)
    first = np.ascontiguousarray(np.moveaxis(oriented(planes, quarters, mirror), 0, 2))
    side = max(_extent(first), _extent(second), SIDE)
    crop = Crop(min(side, 4096), SIDE)
    gap = np.full((SIDE, GAP, 3), 128, np.uint8)
    return np.concatenate(
        [fixed_scale_crop(first, crop), gap, fixed_scale_crop(second, crop)], axis=1
    )


def _extent(image: np.ndarray) -> int:
    """Side of the smallest central square that holds the cell."""
    rows, columns = np.nonzero(solid_mask(image))
    if len(rows) == 0:
        return 1
    height, width = image.shape[:2]
    reach = max(np.abs(2 * rows - height + 1).max(), np.abs(2 * columns - width + 1).max())
    return int(reach) + 3
