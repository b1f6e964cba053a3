"""A case with something of everything, and the images of it, for the tests of exports."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from leukoscope.app.schemas import Case, Cell, Review
from leukoscope.core.verdicts import Verdict
from tests.app.store.made import add, answer, new_case, open_store

HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>, "two"\nlines'


def picture(color: int, kind: str = "BMP", side: int = 64) -> bytes:
    """A disc on black, as a file."""
    y, x = np.mgrid[:side, :side] - side / 2
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[x * x + y * y < side * side / 9] = color
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=kind)
    return stream.getvalue()


@dataclass
class Made:
    """A case as the store gives it, and what was kept with it."""

    case: Case
    images: dict[int, bytes] = field(default_factory=dict)

    def load(self, cell_id: int) -> bytes:
        return self.images[cell_id]

    def cell(self, name: str) -> Cell:
        return next(cell for cell in self.case.cells if cell.name == name)


def made_case(
    cells: list[tuple[dict[str, Any], str | None]], *, keep_images: bool = True, **fields: Any
) -> Made:
    """A case from what its answers and, where they are reviewed, their labels are."""
    store = open_store("sqlite://")
    case = new_case(store, keep_images=keep_images, **fields)
    for number, (changes, label) in enumerate(cells):
        data = picture(40 + number)
        p_all = changes.pop("p_all", 0.1 * (number % 10))
        (cell,) = add(store, case, answer(number, p_all, **changes), data=data)
        if label:
            review = Review(label=label, reviewer="Ada", note="seen")  # type: ignore[arg-type]
            store.review(case, cell, review)
    whole = store.case(case)
    kept = {cell.id: store.image(case, cell.id)[1] for cell in whole.cells if cell.has_image}
    store.close()
    return Made(whole, kept)


def everything() -> Made:
    """Every verdict, every label, hostile text everywhere."""
    return made_case(
        [
            ({"name": "UID_7_1_1_all.bmp", "p_all": 0.9}, "ALL"),
            ({"name": HOSTILE, "subject": "=7", "p_all": 0.2, "flags": ["no black border"]}, "HEM"),
            ({"name": "ünïcödé, 細胞.bmp", "p_all": 0.1 + 0.2}, "not a cell"),
            ({"name": "junk", "p_all": None, "reason": "@not an image", "subject": ""}, None),
            ({"name": "e", "p_all": None, "verdict": Verdict.NOT_A_CELL, "subject": "10"}, None),
        ],
        name=f"Fäll {HOSTILE}",
        notes=f"one\n{HOSTILE}",
    )
