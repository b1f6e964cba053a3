"""The card of a model: what it is, what it saw, how well it did. One JSON text in the model file.

The schema has a number. A file with a higher number than this version knows is refused rather than
half understood: a field we ignore may be the one that says when the model must not answer. Schema 2
added such fields: `abstention`, `image_limits` and `out_of_distribution`. Schema 3 added figures by
person, `left_out`. A card of an earlier schema has none of what came later, is read as before, and
keeps its number.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leukoscope.core.dataclass_reader import MalformedError, build, parse_object, plain
from leukoscope.core.errors import ModelFileError
from leukoscope.core.renamed import current_names
from leukoscope.core.values import Abstention, MetricResult, OperatingPoint, Overlap, SplitReference
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file.hashes import truncate, unpack_hashes
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.inference.rejection.image_checks import MEASURES, Range

SCHEMA = 3
OLDEST = 1
CLASSES = ("HEM", "ALL")
POSITIVE = "ALL"
HEATMAPS = ("cam", "none")


def _check(true: bool, message: str) -> None:
    if not true:
        raise ValueError(message)


@dataclass(frozen=True)
class OperatingCurve:
    """What every threshold gave on the cells the operating point was set on.

    Both have a value for each threshold of an even grid from 0 to 1, ends included.
    """

    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]

    def __post_init__(self) -> None:
        _check(len(self.sensitivity) == len(self.specificity) >= 2, "unequal or too short")
        values = (*self.sensitivity, *self.specificity)
        _check(all(0 <= value <= 1 for value in values), "shares must be from 0 to 1")


@dataclass(frozen=True)
class Descriptors:
    """What is measured on a cell and given to the model in its place.

    `names` in the order of the model's input, `version` that of `leukoscope.data.descriptors`.
    """

    version: int
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(0 < len(self.names) == len(set(self.names)), "names are missing or given twice")


@dataclass(frozen=True)
class Training:
    """What the model has seen, by name and by image, so that nobody scores it on that again.

    `persons` has the keys train and validation, `subjects` every official id of those persons,
    `hashes` the images of both parts (see `pack_hashes`), `cells` counts by part and class.
    """

    split: SplitReference
    persons: Mapping[str, tuple[str, ...]]
    subjects: tuple[str, ...]
    hashes: str
    cells: Mapping[str, Mapping[str, int]]
    synthetic: bool


@dataclass(frozen=True)
class DataSource:
    """The data set the model was trained on, for citation."""

    name: str
    citation: str
    license: str
    doi: str


@dataclass(frozen=True)
class Card:
    """Everything a model file says about itself.

    `cam_bias` is the logit less the heatmap's mean. A model with `descriptors` is given these,
    measured on the crop `input`; any other is given the crop itself. `abstention`, `image_limits`
    (by measure of `image_checks`) and `out_of_distribution` say when it must not answer; without
    them it answers for whatever is not empty. `left_out` is of a model that was fitted on everyone.
    """

    name: str
    created: str
    input: Crop
    training: Training
    data: DataSource
    license: str
    heatmap: str
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]
    temperature: float = 1.0
    cam_bias: float | None = None
    descriptors: Descriptors | None = None
    operating_point: OperatingPoint | None = None
    operating_curve: OperatingCurve | None = None
    results: Mapping[str, MetricResult] = field(default_factory=dict)
    abstention: Abstention | None = None
    image_limits: Mapping[str, Range] | None = None
    out_of_distribution: OutOfDistribution | None = None
    left_out: tuple[OutOfFoldResult, ...] = ()
    classes: tuple[str, ...] = CLASSES
    positive: str = POSITIVE
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        known = OLDEST <= self.schema <= SCHEMA
        _check(known, f"schema must be from {OLDEST} to {SCHEMA}, got {self.schema}")
        new = (self.abstention, self.image_limits, self.out_of_distribution)
        _check(self.schema > 1 or new == (None, None, None), "schema 1 cannot say when to abstain")
        _check(self.schema > 2 or not self.left_out, "schema 2 cannot hold figures by person")
        measured = self.image_limits is None or set(self.image_limits) == set(MEASURES)
        _check(measured, f"image_limits must name {', '.join(MEASURES)}")
        _check(bool(self.name.strip()), "name is empty")
        _check(self.classes == CLASSES, f"classes must be {list(CLASSES)}, got {self.classes}")
        _check(self.positive == POSITIVE, f"positive must be {POSITIVE}, got {self.positive!r}")
        _check(self.temperature > 0, f"temperature must be above 0, got {self.temperature}")
        _check(self.heatmap in HEATMAPS, f"heatmap must be cam or none, got {self.heatmap!r}")
        has_bias = self.cam_bias is not None
        _check(has_bias == (self.heatmap == "cam"), "cam_bias goes with heatmap cam, and only then")
        try:
            datetime.fromisoformat(self.created)
        except ValueError:
            raise ValueError(f"created must be an ISO date, got {self.created!r}") from None
        unpack_hashes(self.training.hashes)

    def __repr__(self) -> str:
        persons = len({person for part in self.training.persons.values() for person in part})
        auroc = self.results.get("auroc")
        result = "" if auroc is None else f"; AUROC {auroc}, {auroc.part}"
        return f"<Card of {self.name!r}: trained on {persons} persons{result}>"

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table
        from leukoscope.inference.model_file.card_text import describe

        return notebook_table(f"Card of {self.name!r}", ("", ""), describe(self))

    def to_json(self) -> str:
        """The card as one line of JSON."""
        return json.dumps(plain(self), allow_nan=False, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "Card":
        """Read a card.

        Raises:
            ModelFileError: for anything but a whole, valid card of a schema this version knows.
        """
        try:
            value = parse_object(text, "the card")
            schema = value.get("schema")
            if isinstance(schema, int) and schema > SCHEMA:
                raise ModelFileError(
                    f"the model's card has schema {schema}, and this version of Leukoscope reads "
                    f"up to {SCHEMA}; upgrade with: pip install --upgrade leukoscope"
                )
            if schema is None:
                raise MalformedError("missing field schema")
            return build(Card, current_names(value))
        except MalformedError as error:
            raise ModelFileError(
                f"the model's card can't be used: {error}; export the model again"
            ) from error

    def hash_set(self) -> frozenset[int]:
        """The truncated sha256 of the training and validation images, as 64-bit integers."""
        return frozenset(unpack_hashes(self.training.hashes).tolist())

    def overlap(
        self, subjects: Iterable[str], persons: Iterable[str], sha256s: Iterable[str]
    ) -> Overlap:
        """What a cohort shares with the cells this model was trained or chosen on.

        Args:
            subjects: the cohort's subject ids, "" where unknown; repeats are fine.
            persons: the cohort's persons, likewise.
            sha256s: a hexadecimal sha256 per cell, "" where unknown.
        """
        own_persons = {p for part in self.training.persons.values() for p in part}
        known = self.hash_set()
        return Overlap(
            persons=_shared(persons, own_persons),
            subjects=_shared(subjects, set(self.training.subjects)),
            hashes=sum(truncate(h) in known for h in sha256s if h),
        )


def _shared(names: Iterable[str], own: set[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name} & own))
