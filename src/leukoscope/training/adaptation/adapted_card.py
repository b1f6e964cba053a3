"""The card of an adapted model, before anything is set on the new persons."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.values import MetricResult
from leukoscope.core.version import __version__
from leukoscope.core.wording import joined
from leukoscope.data.cohort import LABEL_NAMES, Cohort
from leukoscope.data.scale import scale_of
from leukoscope.data.synthetic.notice import is_synthetic_cohort
from leukoscope.inference.model_file.adaptation import Adaptation
from leukoscope.inference.model_file.card import CLASSES, SCHEMA, Card, DataSource, Training
from leukoscope.inference.model_file.hashes import merge_hashes
from leukoscope.inference.model_file.origin import known_ids, stated_data
from leukoscope.training.adaptation.head import Head, persons_of_classes
from leukoscope.training.calibration.new_card import data_source, training_data

PART = "adaptation"
"""Name, among the parts of the training data, of the cells that a model was adapted to. Not
"validation": the epoch or the settings of the old model were chosen on other persons."""


def adapted_card(
    base: Card, digest: str, cohort: Cohort, head: Head, before: Mapping[str, MetricResult]
) -> Card:
    """The card of a model with a new head: what it has seen is what the old one and it have seen.

    Args:
        base: The card of the old model.
        digest: sha256 of its file.
        cohort: N cells with label, person, sha256 and `part` "validation".
        head: The new head.
        before: Metrics of the old model on these cells.
    """
    synthetic = is_synthetic_cohort(cohort)
    data, exact = data_source(cohort, synthetic), base.heatmap == "cam" and head.weights is None
    leukemic, normal = persons_of_classes(cohort)
    label = cohort["label"]
    return replace(
        base,
        name=f"{base.name}-adapted",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training=_seen(base, cohort, synthetic),
        data=_both(stated_data(base), data),
        heatmap="cam" if exact else "none",
        cam_bias=base.cam_bias - head.offset if exact and base.cam_bias is not None else None,
        versions={**base.versions, "leukoscope": __version__},
        temperature=1.0,
        operating_point=None,
        operating_curve=None,
        results={},
        abstention=None,
        image_limits=None,
        out_of_distribution=None,
        left_out=(),
        subjects=None,
        scale=scale_of(cohort),
        adaptation=Adaptation(
            "recalibrated" if head.weights is None else "refitted",
            base.name,
            digest,
            data.name,
            {"ALL": leukemic, "HEM": normal},
            {LABEL_NAMES[value]: int(np.sum(label == value)) for value in (1, 0)},
            round(head.offset, 6),
            before,
        ),
        schema=SCHEMA,
    )


def _seen(base: Card, cohort: Cohort, synthetic: bool) -> Training:
    """The training data of the old model, and the new persons as a part of their own."""
    old = base.training
    new = training_data(cohort, old.split, synthetic)
    ids = known_ids(base)
    return Training(
        split=old.split,
        persons=_merged(old.persons, {PART: new.persons["validation"]}),
        subjects=_union(old.subjects, new.subjects),
        hashes=merge_hashes(old.hashes, new.hashes),
        cells=_added(old.cells, {PART: new.cells["validation"]}),
        synthetic=old.synthetic or new.synthetic,
        # Without the pixels of the old images, those of the new ones would pass for all.
        pixels=merge_hashes(old.pixels, new.pixels) if old.pixels or not old.hashes else "",
        not_compared=_sum(old.not_compared, new.not_compared),
        sources=_merged(ids, new.sources),
    )


def _both(old: DataSource, new: DataSource) -> DataSource:
    """Both data sets; one if they are the same."""
    if old == new:
        return old
    return DataSource(
        f"{old.name}; adapted to {new.name}",
        joined(*dict.fromkeys((old.citation, new.citation))),
        joined(*(f"{one.name}: {one.license}" for one in (old, new))),
        old.doi,
    )


def _union(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*old, *new}, key=natural_key))


def _merged(
    old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {name: _union(old.get(name, ()), new.get(name, ())) for name in {**old, **new}}


def _added(
    old: Mapping[str, Mapping[str, int]], new: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        part: {
            name: old.get(part, {}).get(name, 0) + new.get(part, {}).get(name, 0)
            for name in CLASSES
        }
        for part in {**old, **new}
    }


def _sum(old: int | None, new: int | None) -> int | None:
    return None if old is None or new is None else old + new
