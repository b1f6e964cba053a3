"""The result of an evaluation and how it was obtained; read and written as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from leukoscope.core.dataclass_reader import RECORD, MalformedError, build, parse_object
from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError
from leukoscope.core.json_files import json_text
from leukoscope.core.renamed import current_names
from leukoscope.core.values import Estimate, OperatingPoint, Overlap
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.calibration import Reliability
from leukoscope.evaluation.metrics.conformal import METHOD
from leukoscope.evaluation.metrics.confusion import Confusion
from leukoscope.evaluation.metrics.metrics import METRICS
from leukoscope.evaluation.metrics.selective import Selection
from leukoscope.evaluation.person_answers import PersonAnswers

FORMAT = "leukoscope-evaluation/1"


@dataclass(frozen=True)
class Protocol:
    """The separation of the evaluated cells from the training data."""

    split: str
    """The kind of split, as text: "by person", "by image", "official folds"."""
    model: str = ""
    data: str = ""
    part: str = "test"
    split_seed: int | None = None
    persons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Persons by subset (train, validation, test)."""
    cells: Mapping[str, int] = field(default_factory=dict)
    """Number of cells by subset."""
    chosen_on: Mapping[str, str] = field(default_factory=dict)
    """The subset that each choice ("best epoch", "temperature", "operating point") was made on."""
    temperature: float = 1.0
    leaky: bool = False
    """The split allows a person in training and test, as a split by image does."""
    synthetic: bool = False
    overlap: Overlap = field(default_factory=Overlap)
    """Evaluated persons and images that the model was trained on, where this was allowed."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonRow:
    """Performance at the operating point on the cells of one person and label."""

    person: str
    label: str
    subjects: tuple[str, ...]
    cells: int
    right: int
    share: float
    """Fraction classified correctly: the sensitivity of ALL cells, the specificity of HEM cells."""
    low: float
    """Lower bound of the 95 % Wilson interval of the fraction, for this person's cells."""
    high: float
    mean_p: float


@dataclass(frozen=True)
class Calibration:
    """Predicted probabilities against observed fractions, with and without the temperature."""

    reliability: Reliability
    ece: float
    nll: float
    ece_untempered: float | None = None
    nll_untempered: float | None = None
    reliability_untempered: Reliability | None = None
    person_ece: float | None = None
    """The calibration error with the same weight for every person, as for the temperature."""
    person_ece_untempered: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """The performance of one model on one subset of one data set."""

    protocol: Protocol
    operating_point: OperatingPoint
    cells: Mapping[str, int]
    """Counts of ALL, HEM, "of unknown person"; excluded: "unlabeled", "without probability"."""
    person_count: Mapping[str, int]
    """Numbers of persons with "ALL" and with "HEM" cells."""
    metrics: Mapping[str, Estimate]
    """Every metric of `METRICS`, at the operating point."""
    metrics_at_half: Mapping[str, Estimate]
    """The metrics that need a threshold, at a threshold of 0.5."""
    confusion: Confusion
    confusion_at_half: Confusion
    persons: tuple[PersonRow, ...]
    """ALL before HEM, the worst first."""
    calibration: Calibration
    replicates: int
    seed: int
    selection: Selection | None = None
    """The metrics of abstention; None without verdicts."""
    person_answers: PersonAnswers | None = None
    """Performance with persons as units; None if the model has no model of subjects."""

    def __repr__(self) -> str:
        return f"<Evaluation of {self._subject()}: AUROC {self.metrics['auroc']}>"

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table

        rows = [(metric.title, self.metrics[metric.key]) for metric in METRICS]
        return notebook_table(f"Evaluation of {self._subject()}", ("metric", "95 % interval"), rows)

    def _subject(self) -> str:
        """Name the model and the cells that were evaluated."""
        cells = self.cells["ALL"] + self.cells["HEM"]
        persons = sum(self.person_count.values())
        leaky = ", LEAKY" * self.leaky
        return (
            f"{self.protocol.model!r} on {counted(cells, 'cell')} of {counted(persons, 'person')} "
            f"({self.protocol.part}{leaky})"
        )

    @property
    def leaky(self) -> bool:
        """True if a person may be in training and test, so that the metrics are too good."""
        return self.protocol.leaky or self.overlap

    @property
    def overlap(self) -> bool:
        """True if evaluated persons or images are known to be among those trained on."""
        return bool(self.protocol.overlap)

    def to_json(self) -> str:
        """The evaluation as JSON text; undefined values are null."""
        body = {
            "format": FORMAT,
            "notice": RESEARCH_USE,
            "leaky": self.leaky,
            "overlap": self.overlap,
            **asdict(self),
            "protocol": _protocol_fields(self.protocol),
            "operating_point": _point_fields(self.operating_point, self.protocol),
        }
        if body["selection"] and body["selection"]["limits"]:
            del body["selection"]["limits"]["method"]
        return json_text(body)

    @classmethod
    def from_json(cls, text: str) -> "Evaluation":
        """Read an evaluation that `to_json` wrote.

        Raises:
            LeukoscopeError: The text is not an evaluation.
        """
        try:
            body = current_names(parse_object(text, "the file"))
            if body.pop("format", None) != FORMAT:
                raise MalformedError(f"the field format is not {FORMAT}")
            for name in DERIVED:
                body.pop(name, None)
            _add_later_metrics(body)
            for name, shape in SHAPES.items():
                if isinstance(body.get(name), dict):
                    body[name] = shape(body[name])
            return build(cls, body, options=RECORD)
        except MalformedError as error:
            raise LeukoscopeError(
                f"This is not an evaluation in the format {FORMAT} ({error}). Evaluate the model "
                "again to write one."
            ) from error


def _add_later_metrics(body: dict[str, Any]) -> None:
    """Add the metrics that earlier versions did not measure, as undefined."""
    for name in ("metrics", "metrics_at_half"):
        measured = body.get(name)
        if isinstance(measured, dict):
            for metric in METRICS:
                if metric.added and (metric.needs_threshold or name == "metrics"):
                    measured.setdefault(metric.key, {"value": None, "reason": "not measured"})


def _protocol_fields(protocol: Protocol) -> dict[str, Any]:
    """The protocol as the record holds it: the overlap as three fields before the notes."""
    body = asdict(protocol)
    shared, notes = body.pop("overlap"), body.pop("notes")
    overlap = {key: shared[name] for name, key in OVERLAP.items()}
    return {**body, **overlap, "notes": notes}


def _point_fields(point: OperatingPoint, protocol: Protocol) -> dict[str, Any]:
    """The operating point as the record holds it: with the names of the persons it was set on."""
    body = asdict(point)
    set_on = body.pop("set_on")
    persons = protocol.persons.get(set_on["part"], ())
    return {**body, "persons": persons, "cells": set_on["cells"]}


def _read_protocol(body: dict[str, Any]) -> dict[str, Any]:
    """The protocol's fields, from the form of the record."""
    # Earlier versions wrote no subjects. A default for the others would deny an overlap.
    body = {OVERLAP["subjects"]: [], **body}
    for name in OVERLAP.values():
        if name not in body:
            raise MalformedError(f"missing field protocol.{name}")
    rest = {name: value for name, value in body.items() if name not in OVERLAP.values()}
    return {**rest, "overlap": {name: body[key] for name, key in OVERLAP.items()}}


def _read_point(body: dict[str, Any]) -> dict[str, Any]:
    """The operating point's fields, from the form of the record."""
    rest = {name: value for name, value in body.items() if name not in ("persons", "cells")}
    persons = body.get("persons")
    count = len(persons) if isinstance(persons, list) else persons
    return {**rest, "set_on": {"part": "validation", "persons": count, "cells": body.get("cells")}}


def _read_selection(body: dict[str, Any]) -> dict[str, Any]:
    """The selection's fields, from the form of the record: the method is not in it."""
    limits = body.get("limits")
    return {**body, "limits": {"method": METHOD, **limits}} if isinstance(limits, dict) else body


OVERLAP = {
    "persons": "overlap_persons",
    "subjects": "overlap_subjects",
    "hashes": "overlap_images",
}
"""Fields of an overlap to those of the record."""
DERIVED = ("notice", "leaky", "overlap")
"""What the record states although it follows from other fields."""
SHAPES = {
    "protocol": _read_protocol,
    "operating_point": _read_point,
    "selection": _read_selection,
}
"""Fields that the record holds in another form than the class."""
