"""The adaptation of a model to the cells of another laboratory, as its card holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from leukoscope.core.values import MetricResult
from leukoscope.core.wording import count as counted

METHODS = ("recalibrated", "refitted")


@dataclass(frozen=True)
class Adaptation:
    """The adaptation of a model.

    Attributes:
        method: "recalibrated": the offset of the logit only; "refitted": also weights of the
            embedding.
        base: Name of the model that was adapted.
        base_sha256: Hash of its file.
        data: Name of the data set that it was adapted to.
        persons: Numbers of persons by class.
        cells: Numbers of cells by class.
        offset: Taken from the old logit.
        before: Metrics of the old model, with its own thresholds, on these cells.
    """

    method: str
    base: str
    base_sha256: str
    data: str
    persons: Mapping[str, int]
    cells: Mapping[str, int]
    offset: float
    before: Mapping[str, MetricResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be {' or '.join(METHODS)}, got {self.method!r}")


def adaptation_text(adaptation: Adaptation | None) -> str:
    """One line; "" for a model that was not adapted."""
    if adaptation is None:
        return ""
    persons = " and ".join(f"{count} with {name}" for name, count in adaptation.persons.items())
    return (
        f"{adaptation.base} (sha256 {adaptation.base_sha256[:12]}) {adaptation.method} on "
        f"{counted(sum(adaptation.cells.values()), 'cell')} of {adaptation.data}: persons "
        f"{persons} cells. "
        "All limits and results are of these persons, each left out; it was not validated again "
        "on the data that the old model was fitted on"
    )
