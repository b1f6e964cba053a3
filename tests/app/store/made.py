"""Answers and stores for tests."""

from typing import Any

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CaseIn, CellPrediction
from leukoscope.app.store import Store
from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import Verdict

MODEL = "tiny"
SHA256 = "ab" * 32
THRESHOLD = 0.4


def answer(number: int, p_all: float | None = 0.5, **changes: Any) -> CellPrediction:
    """The answer for file `number`; without a probability, an error."""
    verdict = Verdict.BLAST if p_all is not None and p_all >= THRESHOLD else Verdict.NORMAL
    fields: dict[str, Any] = {
        "name": f"fold_0/UID_7_{number}_1_all.bmp",
        "subject": "7",
        "p_all": p_all,
        "verdict": Verdict.ERROR if p_all is None else verdict,
        "logit": None if p_all is None else p_all / 3,
        "flags": [],
        "reason": "cut short" if p_all is None else "",
        "model": MODEL,
        "sha256": f"{number:064x}",
        "threshold": THRESHOLD,
    }
    return CellPrediction(**(fields | changes))


def open_store(url: str, **limits: Any) -> Store:
    store = Store(url, Limits(**limits))
    store.open()
    return store


def new_case(store: Store, *, possible: ConformalThresholds | None = None, **fields: Any) -> str:
    """The id of a new, empty case; `possible` is when its model abstains."""
    return store.create(CaseIn(**fields), MODEL, SHA256, THRESHOLD, possible).id


def add(store: Store, case: str, *answers: CellPrediction, data: bytes | None = None) -> list[int]:
    return store.add(case, [(one, data) for one in answers], model_sha256=SHA256)
