"""The card of a model: its training data, thresholds and results, as one JSON text in its file.

The schema has a number. A file with a higher number than this version knows is refused, because a
field that this version ignores may be the one that says when the model must not answer. Schema 2
added such fields: `abstention`, `image_limits` and `out_of_distribution`. Schema 3 added results by
person, `left_out`. Schema 4 added the pixels of the training images, their `scale`, the model of
subjects, `subjects`, and `adaptation`. A card of an earlier schema lacks the later fields, is read
as before, and keeps its number.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from leukoscope.core.dataclass_reader import MalformedError, build, parse_object, plain
from leukoscope.core.errors import ModelFileError
from leukoscope.core.renamed import current_names
from leukoscope.core.values import Abstention, MetricResult, OperatingPoint, Overlap, SplitReference
from leukoscope.core.wording import count
from leukoscope.data.ids import id_key
from leukoscope.data.imaging.image import Crop
from leukoscope.data.scale import Scale
from leukoscope.data.sources import Sources
from leukoscope.inference.model_file.adaptation import Adaptation
from leukoscope.inference.model_file.hashes import SeenImages, unpack_hashes
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.model_file.origin import same_source
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.inference.rejection.image_checks import MEASURES, Range
from leukoscope.inference.subject.model import SubjectModel

SCHEMA = 4
OLDEST = 1
CLASSES = ("HEM", "ALL")
POSITIVE = "ALL"
HEATMAPS = ("cam", "none")


def _check(true: bool, message: str) -> None:
    if not true:
        raise ValueError(message)


@dataclass(frozen=True)
class OperatingCurve:
    """Performance at every threshold, on the cells that the operating point was set on.

    Attributes:
        sensitivity: A value for each threshold of an even grid from 0 to 1, ends included.
        specificity: A value for each threshold of the same grid.
    """

    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]

    def __post_init__(self) -> None:
        _check(
            len(self.sensitivity) == len(self.specificity) >= 2,
            "sensitivity and specificity differ in length or are too short",
        )
        values = (*self.sensitivity, *self.specificity)
        _check(all(0 <= value <= 1 for value in values), "values must be from 0 to 1")


@dataclass(frozen=True)
class Descriptors:
    """The descriptors that a model receives instead of the crop.

    Attributes:
        version: The version of `leukoscope.data.descriptors`.
        names: The names in the order of the model's input.
    """

    version: int
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(0 < len(self.names) == len(set(self.names)), "names are missing or given twice")


@dataclass(frozen=True)
class Training:
    """The training data by person and by image, so that the model is never scored on it.

    Attributes:
        split: The split.
        persons: The persons of the parts train and validation.
        subjects: Every official id of these persons.
        hashes: The files of the images of both parts, see `pack_hashes`.
        cells: Numbers of cells by part and class.
        synthetic: The cells are synthetic.
        pixels: The pixels of these images in the same form; "" if not known.
        not_compared: Number of these images that the audit could not compare with others; None if
            not known.
        sources: The data sets of these images by name, "" for an unknown one, with the ids of their
            subjects and persons; empty if not recorded. See `data.sources`.
    """

    split: SplitReference
    persons: Mapping[str, tuple[str, ...]]
    subjects: tuple[str, ...]
    hashes: str
    cells: Mapping[str, Mapping[str, int]]
    synthetic: bool
    pixels: str = ""
    not_compared: int | None = None
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSource:
    """The data set the model was trained on, for citation."""

    name: str
    citation: str
    license: str
    doi: str


@dataclass(frozen=True)
class Card:
    """The card of a model file.

    Attributes:
        name: The name of the model.
        created: ISO date.
        input: The crop at the original pixel scale, and the size it is resized to.
        training: The training data.
        data: The data set.
        license: The license of the model.
        heatmap: "cam" if the model has an exact heatmap, else "none".
        recipe: All settings of the training.
        versions: Versions of the packages it was made with.
        temperature: Divides the logit before the sigmoid.
        cam_bias: The logit less the mean of the heatmap; with an exact heatmap only.
        descriptors: What the model receives instead of the crop, if anything.
        operating_point: The threshold from which a cell is predicted to be ALL.
        operating_curve: Performance at every threshold.
        results: Metrics by key.
        abstention: The conformal thresholds; without them every probability gives an answer.
        image_limits: Ranges of the measures of `image_checks`; without them only an empty image is
            rejected by quality.
        out_of_distribution: The largest accepted distance to the training cells.
        left_out: Out-of-fold results by person, for a model fitted on all persons.
        subjects: The model of subjects; without it there are no answers for subjects.
        scale: The scale of the images of both parts; None if not recorded.
        adaptation: How the model was adapted to the cells of another laboratory, if it was.
        classes: The classes, HEM first.
        positive: The positive class.
        schema: The number of the schema.
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
    subjects: SubjectModel | None = None
    scale: Scale | None = None
    adaptation: Adaptation | None = None
    classes: tuple[str, ...] = CLASSES
    positive: str = POSITIVE
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        known = OLDEST <= self.schema <= SCHEMA
        _check(known, f"schema must be from {OLDEST} to {SCHEMA}, got {self.schema}")
        new = (self.abstention, self.image_limits, self.out_of_distribution)
        _check(self.schema > 1 or new == (None, None, None), "schema 1 cannot say when to abstain")
        _check(self.schema > 2 or not self.left_out, "schema 2 cannot hold results by person")
        _check(self.schema > 3 or self.subjects is None, "schema 3 cannot hold a model of subjects")
        _check(self.schema > 3 or self.scale is None, "schema 3 cannot hold the scale of images")
        pixels = self.training.pixels
        _check(self.schema > 3 or not pixels, "schema 3 cannot hold the pixels of training images")
        _check(self.schema > 3 or self.adaptation is None, "schema 3 cannot hold an adaptation")
        measured = self.image_limits is None or set(self.image_limits) == set(MEASURES)
        _check(measured, f"image_limits must name {', '.join(MEASURES)}")
        _check(bool(self.name.strip()), "name is empty")
        _check(self.classes == CLASSES, f"classes must be {list(CLASSES)}, got {self.classes}")
        _check(self.positive == POSITIVE, f"positive must be {POSITIVE}, got {self.positive!r}")
        _check(self.temperature > 0, f"temperature must be above 0, got {self.temperature}")
        _check(self.heatmap in HEATMAPS, f"heatmap must be cam or none, got {self.heatmap!r}")
        has_bias = self.cam_bias is not None
        _check(has_bias == (self.heatmap == "cam"), "heatmap cam, and no other, needs cam_bias")
        try:
            datetime.fromisoformat(self.created)
        except ValueError:
            raise ValueError(f"created must be an ISO date, got {self.created!r}") from None
        unpack_hashes(self.training.hashes)
        unpack_hashes(pixels, "training.pixels")

    def __repr__(self) -> str:
        persons = len({person for part in self.training.persons.values() for person in part})
        auroc = self.results.get("auroc")
        result = "" if auroc is None else f"; AUROC {auroc}, {auroc.part}"
        return f"<Card of {self.name!r}: trained on {count(persons, 'person')}{result}>"

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table
        from leukoscope.inference.model_file.card_text import describe

        return notebook_table(f"Card of {self.name!r}", ("", ""), describe(self))

    def to_json(self) -> str:
        """Write the card as one line of JSON."""
        return json.dumps(plain(self), allow_nan=False, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "Card":
        """Read a card.

        Raises:
            ModelFileError: The text is not a complete, valid card of a schema that this version
                knows.
        """
        try:
            tree = parse_object(text, "the card")
            schema = tree.get("schema")
            if isinstance(schema, int) and schema > SCHEMA:
                raise ModelFileError(
                    f"the model's card has schema {schema}, and this version of Leukoscope reads "
                    f"up to {SCHEMA}; install a newer version of Leukoscope"
                )
            if schema is None:
                raise MalformedError("missing field schema")
            return build(Card, current_names(tree))
        except MalformedError as error:
            raise ModelFileError(
                f"the model's card is invalid: {error}; export the model again"
            ) from error

    def hash_set(self) -> frozenset[int]:
        """The truncated sha256 of the files trained or calibrated on, as 64-bit integers."""
        return frozenset(unpack_hashes(self.training.hashes).tolist())

    def seen_images(self) -> SeenImages:
        """The images trained or calibrated on, with the known copies of official ones."""
        pixels = unpack_hashes(self.training.pixels).tolist()
        return SeenImages.with_known_copies(self.hash_set(), pixels)

    def overlap(
        self,
        subjects: Iterable[str],
        persons: Iterable[str],
        sha256s: Sequence[str] | np.ndarray,
        pixel_sha256s: Sequence[str] | np.ndarray | None = None,
        sources: Sequence[Sources] | None = None,
    ) -> Overlap:
        """Find what a cohort shares with the model's training and validation data.

        Args:
            subjects: The subject ids of the cohort, "" if unknown; may repeat.
            persons: The persons of the cohort, "" if unknown; may repeat.
            sha256s: A hexadecimal sha256 of the file per cell, "" if unknown.
            pixel_sha256s: The same of the pixels; None if all are unknown.
            sources: The data sets that each cell may be from, of which ids are compared with those
                of the same data set only; None compares all ids.
        """
        trained_on = {name for names in self.training.persons.values() for name in names}
        if sources is not None:
            subjects = same_source(self, subjects, sources)
            persons = same_source(self, persons, sources)
        seen = self.seen_images()
        pixels = [""] * len(sha256s) if pixel_sha256s is None else pixel_sha256s
        return Overlap(
            persons=_shared(persons, trained_on),
            subjects=_shared(subjects, set(self.training.subjects)),
            hashes=sum(seen.has(*pair) for pair in zip(sha256s, pixels, strict=True)),
        )


def _shared(names: Iterable[str], known: set[str]) -> tuple[str, ...]:
    keys = {id_key(name) for name in known}
    return tuple(sorted(name for name in {*names} - {""} if id_key(name) in keys))
