"""Contact sheet of an audit: pairs side by side in one HTML file, to check by eye.

The number of pairs is limited. Pairs with different labels come first, then the least certain pair
of every two linked subjects, then the other pairs, least certain first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.files import natural_key
from leukoscope.core.wording import count
from leukoscope.data.audit.matching import oriented
from leukoscope.data.cnmc.cnmc import LABEL_NAMES
from leukoscope.data.imaging.foreground import solid_mask
from leukoscope.data.imaging.image import Crop, decode, fixed_scale_crop
from leukoscope.data.synthetic.notice import synthetic_notice

if TYPE_CHECKING:
    from markupsafe import Markup

    from leukoscope.data.audit.result import AuditResult

MAX_PAIRS = 200
SIDE = 144  # pixels a cell is shown at
GAP = 4


def write_contact_sheet(result: "AuditResult", path: Path | str) -> Path:
    """Write the sheet of at most `MAX_PAIRS` pairs and return its path.

    Args:
        result: Result of `audit`. Pairs whose images are no longer readable are skipped.
        path: HTML file to write.
    """
    from leukoscope.core.html import heading, note, paragraph, write_page

    count, conflict = len(result.pairs["kind"]), result.label_conflicts
    parts = [*synthetic_notice(result.cohort), paragraph(_summary(result))]
    parts += [note(remark, "warning") for remark in result.remarks]
    parts += [note(known, "warning") for known in result.copy_notes]
    parts += [heading("Persons"), *map(note, result.notes), _persons(result)]
    order = pair_order(result)[:MAX_PAIRS]
    suspect = [row for row in order if conflict[row]]
    linking = [row for row in order if not conflict[row]]
    if suspect:
        parts += [heading("Suspected label errors")]
        parts += [
            note(
                "The same cell has both labels. These pairs link no persons; check the labels.",
                "warning",
            )
        ]
        parts += [_grid(result, suspect)]
    if linking:
        parts += [heading("Two images of the same cell"), _grid(result, linking)]
    if len(order) < count:
        parts += [
            paragraph(f"{len(order)} of {count} pairs are shown; pairs.csv lists all of them.")
        ]
    return write_page(path, "Audit: the same cell twice", parts, subtitle=result.cohort.source)


def pair_order(result: "AuditResult") -> list[int]:
    """Order the rows of `result.pairs` by how much they need a check by eye."""
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
        f"{count(len(result.cohort), 'image')}: {kinds.count('exact')} exact copies, "
        f"{kinds.count('same-pixels')} other files with the same pixels, "
        f"{kinds.count('same-cell')} other pairs of the same cell. "
        f"{count(subjects, 'subject id', 'belongs')} to {count(persons, 'person')}."
    )


def _persons(result: "AuditResult") -> "Markup":
    from leukoscope.core.html import paragraph, table

    if not result.linked and result.remarks:
        return paragraph(
            "Among the images that were compared, no two subjects share a cell. The others were "
            "not compared, so a person may have several subject ids."
        )
    if not result.linked:
        return paragraph("No two subjects share a cell, so each subject id is one person.")
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
    if pair["kind"] == "same-pixels":
        return f"{names}: the same pixels in another file{turn}"
    return (
        f"{names}: correlation {pair['correlation']:.2f}, outline {pair['outline_iou']:.2f}, "
        f"moved {pair['shift']:.0f} px{turn}"
    )


def side_by_side(first: np.ndarray, second: np.ndarray, turn: str = "0") -> np.ndarray:
    """Show two cells at one scale, the first turned as matched; uint8 (SIDE, 2 SIDE + GAP, 3)."""
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
    """Side of the smallest central square that contains the cell."""
    rows, columns = np.nonzero(solid_mask(image))
    if len(rows) == 0:
        return 1
    height, width = image.shape[:2]
    reach = max(np.abs(2 * rows - height + 1).max(), np.abs(2 * columns - width + 1).max())
    return int(reach) + 3
