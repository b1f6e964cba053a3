"""The card: what is written is what is read, and nothing else is accepted."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import LeukoscopeError, ModelFileError
from leukoscope.core.renamed import current_name
from leukoscope.core.values import (
    Abstention,
    Cells,
    Limit,
    MetricResult,
    OperatingPoint,
    Overlap,
    SplitReference,
)
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file import card as c
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import describe
from leukoscope.inference.model_file.hashes import pack_hashes, truncate, unpack_hashes
from leukoscope.inference.model_file.limits import OutOfDistribution
from leukoscope.inference.model_file.model_file import default_model, read_card
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.inference.rejection.image_checks import MEASURES, Range
from leukoscope.inference.rejection.mahalanobis import GaussianModel, pack
from tests.inference.tiny_model import tiny_card

# Old names are read as the present ones, so they do not come back.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(
    lambda name: current_name(name) == name
)
number = st.floats(allow_nan=False, allow_infinity=False)
share = st.floats(0, 1)
count = st.integers(0, 10**6)
sha256s = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=5)
measured = st.builds(
    MetricResult, st.none() | number, st.none() | number, st.none() | number, text, count, count
)
training = st.builds(
    c.Training,
    split=st.builds(SplitReference, kind=text, seed=st.integers(), leaky=st.booleans()),
    persons=st.dictionaries(text, st.lists(text, max_size=4).map(tuple), max_size=3),
    subjects=st.lists(text, max_size=4).map(tuple),
    hashes=sha256s.map(pack_hashes),
    pixels=sha256s.map(pack_hashes),
    cells=st.dictionaries(text, st.dictionaries(text, count, max_size=2), max_size=2),
    synthetic=st.booleans(),
)
point = st.builds(OperatingPoint, share, share, share, share, st.builds(Cells, text, count, count))
crops = st.integers(1, 4096).flatmap(
    lambda crop: st.builds(Crop, st.just(crop), st.integers(1, crop))
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


bound = st.builds(Limit, number, st.floats(0, 0.999), st.booleans(), count, count)
ranges = st.tuples(number, number).map(lambda ends: Range(min(ends), max(ends)))
space = st.builds(
    GaussianModel,
    st.just(pack([0.5, -2.0, 3.0])),
    st.just(pack(np.eye(3)[:2])),
    st.tuples(*[st.floats(1e-6, 1e6)] * 2),
    st.floats(1e-6, 1e6),
)
left_out = st.integers(1, 10**6).flatmap(
    lambda cells: st.builds(
        OutOfFoldResult,
        text,
        st.sampled_from(["ALL", "HEM"]),
        st.just(cells),
        st.none() | count,
        *[st.integers(0, cells)] * 5,
        share,
    )
)
curve = st.integers(2, 9).flatmap(
    lambda n: st.builds(c.OperatingCurve, *[st.tuples(*[st.floats(0, 1)] * n)] * 2)
)


@st.composite
def cards(draw: st.DrawFn) -> Card:
    heatmap = draw(st.sampled_from(c.HEATMAPS))
    return Card(
        name=draw(text.filter(str.strip)),
        created=draw(st.datetimes()).isoformat(),
        input=draw(crops),
        training=draw(training),
        data=draw(st.builds(c.DataSource, text, text, text, text)),
        license=draw(text),
        heatmap=heatmap,
        recipe=draw(st.dictionaries(text, anything, max_size=3)),
        versions=draw(st.dictionaries(text, text, max_size=3)),
        temperature=draw(st.floats(1e-3, 1e3)),
        cam_bias=draw(number) if heatmap == "cam" else None,
        operating_point=draw(st.none() | point),
        operating_curve=draw(st.none() | curve),
        results=draw(st.dictionaries(text, measured, max_size=3)),
        abstention=draw(st.none() | st.builds(Abstention, text, bound, bound)),
        image_limits=draw(st.none() | st.fixed_dictionaries(dict.fromkeys(MEASURES, ranges))),
        out_of_distribution=draw(st.none() | st.builds(OutOfDistribution, text, space, bound)),
        left_out=draw(st.lists(left_out, max_size=2).map(tuple)),
    )


@given(cards())
def test_round_trip(card: Card) -> None:
    assert Card.from_json(card.to_json()) == card


def changed(path: str, value: object) -> str:
    """The tiny model's card with the field at a dotted path replaced."""
    data = json.loads(tiny_card().to_json())
    *parents, last = path.split(".")
    inner: Any = data
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("input.size", "64", "input.size"),
        ("input.size", 0, "input: expected 1 <= size"),
        ("input.size", 257, "input: expected"),
        ("input.size", True, "input.size"),
        ("input.crop", 10**9, "input: expected"),
        ("temperature", 0, "temperature"),
        ("temperature", "1e3", "temperature"),
        ("operating_point.threshold", 1.5, "operating_point: threshold"),
        ("operating_point.set_on", None, "operating_point.set_on"),
        ("classes", ["ALL", "HEM"], "classes"),
        ("positive", "HEM", "positive"),
        ("heatmap", "gradcam", "heatmap"),
        ("heatmap", "none", "cam_bias"),
        ("cam_bias", None, "cam_bias"),
        ("created", "yesterday", "created"),
        ("training.hashes", "%%%", "hashes"),
        ("training.hashes", "QUJD", "training.hashes"),
        ("training.pixels", "QUJD", "training.pixels"),
        ("training.persons.train", "1", "training.persons.train"),
        ("training.subjects", [1], "training.subjects[0]"),
        ("results.auroc.value", "high", "results.auroc.value"),
        ("results.auroc.extra", 1, "results.auroc.extra"),
        ("abstention", {"low": 0.2}, "abstention"),
        ("name", " ", "name"),
        ("surprise", 1, "surprise"),
        ("schema", 0, "schema"),
        ("schema", "1", "schema"),
        ("schema", None, "schema"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        Card.from_json(changed(path, value))
    message = str(raised.value)
    assert named in message
    assert "\n" not in message


@pytest.mark.parametrize("field", [*json.loads(tiny_card().to_json())])
def test_missing_fields_are_named_or_have_a_default(field: str) -> None:
    data = json.loads(tiny_card().to_json())
    del data[field]
    if field in {
        "temperature",
        "descriptors",
        "operating_point",
        "operating_curve",
        "results",
        "abstention",
        "image_limits",
        "out_of_distribution",
        "left_out",
        "subjects",
        "scale",
        "adaptation",
        "classes",
        "positive",
    }:
        Card.from_json(json.dumps(data))
    else:
        with pytest.raises(ModelFileError, match=field):
            Card.from_json(json.dumps(data))


def test_a_newer_schema_says_to_upgrade() -> None:
    # Even where the rest of it can't be understood.
    with pytest.raises(ModelFileError, match=r"schema 5.*newer version"):
        Card.from_json('{"schema": 5, "all_new": true}')


def test_a_card_of_schema_1_is_read_and_keeps_its_number() -> None:
    old = json.loads(tiny_card().to_json()) | {"schema": 1}
    del old["image_limits"]
    card = Card.from_json(json.dumps(old))
    assert (card.schema, card.abstention, card.image_limits) == (1, None, None)
    assert json.loads(card.to_json())["schema"] == 1
    with pytest.raises(ModelFileError, match="schema 3 cannot hold"):
        Card.from_json(
            changed("training.pixels", pack_hashes(["ab" * 32])).replace(
                f'"schema": {c.SCHEMA}', '"schema": 3'
            )
        )
    # Whoever reads schema 1 alone would answer all the same.
    with pytest.raises(ModelFileError, match="schema 1 cannot say"):
        Card.from_json(json.dumps(old | {"abstention": ABSTENTION}))
    newer = old | {"abstention": ABSTENTION, "schema": 2}
    assert Card.from_json(json.dumps(newer)).abstention
    # Schema 2 is read as it was written, and has no figures by person.
    del newer["left_out"]
    assert Card.from_json(json.dumps(newer)).left_out == ()
    with pytest.raises(ModelFileError, match="schema 2 cannot hold"):
        Card.from_json(json.dumps(newer | {"left_out": [LEFT_OUT]}))
    assert Card.from_json(json.dumps(newer | {"left_out": [LEFT_OUT], "schema": 3})).left_out


def test_the_shipped_model_is_read_and_small() -> None:
    assert read_card(default_model()).name
    assert default_model().stat().st_size <= 10_000_000


BOUND = {"value": 0.3, "alpha": 0.1, "guaranteed": False, "persons": 2, "cells": 9}
ABSTENTION = {"method": "m", "all_from": BOUND, "hem_to": BOUND}
LEFT_OUT = {
    "person": "H2",
    "label": "HEM",
    "cells": 9,
    "area": None,
    "right": 3,
    "answered": 6,
    "wrong": 4,
    "not_cells": 1,
    "covered": 5,
    "mean_p": 0.7,
}
SPACE = {"middle": pack([1, 2]), "axes": pack([1, 0]), "variances": [1.0], "rest": 1.0}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("abstention", ABSTENTION | {"all_from": None}, "abstention.all_from"),
        ("abstention", ABSTENTION | {"hem_to": BOUND | {"alpha": 1}}, "abstention.hem_to: alpha"),
        ("abstention", ABSTENTION | {"hem_to": BOUND | {"value": "x"}}, "abstention.hem_to.value"),
        ("image_limits", {"area": {"low": 1, "high": 2}}, "image_limits must name"),
        ("image_limits", {"area": {"low": 3, "high": 2}}, "image_limits.area: low"),
        ("out_of_distribution.space", SPACE | {"rest": 0}, "variances must be above 0"),
        ("out_of_distribution.space", SPACE | {"axes": "%"}, "not base64"),
        ("out_of_distribution.space", SPACE | {"axes": pack([1, 0, 0])}, "fit together"),
        ("out_of_distribution.space", SPACE | {"middle": pack([1, np.nan])}, "finite"),
        ("out_of_distribution.space", SPACE | {"middle": "QUJD"}, "cut short"),
        ("left_out", [LEFT_OUT | {"label": "none"}], r"left_out\[0\]: label"),
        ("left_out", [LEFT_OUT | {"cells": 0}], r"left_out\[0\]: cells"),
        ("left_out", [LEFT_OUT, LEFT_OUT | {"covered": 10}], r"left_out\[1\]: covered"),
        ("left_out", [LEFT_OUT | {"mean_p": 1.2}], r"left_out\[0\]: mean_p"),
    ],
)
def test_a_wrong_limit_is_named(path: str, value: object, named: str) -> None:
    data = json.loads(tiny_card().to_json())
    known = {"method": "m", "space": SPACE, "limit": BOUND}
    if path.startswith("out_of_distribution"):
        data["out_of_distribution"] = known | {"space": value}
    else:
        data[path] = value
    with pytest.raises(ModelFileError, match=named):
        Card.from_json(json.dumps(data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '"\\ud800"',
        '{"a": 1, "a": 2}',
        '{"temperature": NaN}',
        '{"schema": 1, "name": "\\ud800"}',
        '{"schema": 1e999}',
        '{"schema": ' + "9" * 5000 + "}",
        "[" * 10**5,
    ],
)
def test_garbled_text_is_one_clear_line(text: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        Card.from_json(text)
    assert "\n" not in str(raised.value)


@given(st.text(max_size=40) | anything.map(json.dumps))
def test_any_text_is_a_card_or_our_error(text: str) -> None:
    with pytest.raises(LeukoscopeError):
        Card.from_json(text)


@given(sha256s)
def test_hashes_pack_and_unpack(hashes: list[str]) -> None:
    expected = sorted({int(h[:16], 16) for h in hashes})
    assert unpack_hashes(pack_hashes(hashes)).tolist() == expected


def test_truncate_refuses_what_is_no_sha256() -> None:
    for wrong in ("", "ab", "g" * 64, "ab" * 33):
        with pytest.raises(ValueError, match="sha256"):
            truncate(wrong)


def test_overlap_counts_what_the_model_has_seen() -> None:
    seen = [hashlib.sha256(bytes([i])).hexdigest() for i in range(3)]
    new = hashlib.sha256(b"new").hexdigest()
    base = tiny_card().training
    card = tiny_card(training=c.Training(**{**vars(base), "hashes": pack_hashes(seen)}))
    assert card.overlap(["99", ""], ["99", ""], [new, ""]) == Overlap()
    assert not card.overlap([], [], [])
    found = card.overlap(["3", "15", "99"], ["3", "99", "3"], [seen[0], seen[0].upper(), new])
    assert found == Overlap(persons=("3",), subjects=("15", "3"), hashes=2)
    assert found
    assert found.text() == "2 of these person or subject ids (3, 15) and 2 of these images"
    # One image alone is enough, whoever it is said to be.
    assert card.overlap(["new"], ["new"], [seen[2]]) == Overlap(hashes=1)


def test_overlap_counts_copies_in_another_format_by_their_pixels() -> None:
    file, pixels, new = (hashlib.sha256(bytes([i])).hexdigest() for i in range(3))
    base = vars(tiny_card().training)
    known = c.Training(**{**base, "hashes": pack_hashes([file]), "pixels": pack_hashes([pixels])})
    card = tiny_card(training=known)
    found = card.overlap([], [], [file, file, new, new, ""], [pixels, "", pixels, new, pixels])
    assert found == Overlap(hashes=4)
    assert not card.overlap([], [], [pixels], [file])
    assert "not recognized" not in dict(describe(card))["Training data"]
    by_file = tiny_card(training=c.Training(**{**base, "hashes": pack_hashes([file])}))
    assert not by_file.overlap([], [], [new], [pixels])
    assert "not recognized" in dict(describe(by_file))["Training data"]


@pytest.mark.parametrize("written", ["007", "7.0", " 7", "H 10", "h10"])
def test_a_person_written_in_another_way_is_an_overlap(written: str) -> None:
    training = replace(tiny_card().training, persons={"train": ("7", "H10")}, subjects=("7", "H10"))
    overlap = replace(tiny_card(), training=training).overlap([written], [written], [])
    assert overlap.persons == overlap.subjects == (written,)
