"""No person, image or linked cell on two sides, ever; and a split that is the same tomorrow."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.errors import LeakageError, SplitError
from leukoscope.data.cohort import ALL, HEM, UNKNOWN, make_cohort
from leukoscope.data.readers.layout import read_cohort
from leukoscope.data.splits.partition import leaks
from leukoscope.data.splits.splits import (
    FRACTIONS,
    PARTS,
    Split,
    apply_split,
    check_disjoint,
    folds,
    leave_one_person_out,
    read_split,
    split_cohort,
    straddling,
    write_split,
)


@st.composite
def cohorts(draw):
    """Cells of a few persons, some of both classes, with copies and cells shared at random."""
    persons = draw(st.integers(6, 14))
    count = draw(st.integers(persons, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**20)))
    person = np.concatenate([np.arange(persons), random.integers(0, persons, count - persons)])
    label = person % 2
    label[random.random(count) < draw(st.sampled_from([0, 0.1]))] = ALL
    label[random.random(count) < draw(st.sampled_from([0, 0.2]))] = UNKNOWN
    shared = draw(st.sampled_from([0, 0.05, 0.2]))

    def marks():
        return [
            f"{random.integers(3)}" if random.random() < shared else f"own{row}"
            for row in range(count)
        ]

    names = [f"H{p}" if p % 2 == HEM else f"{p}" for p in person]
    return make_cohort(
        {
            "path": [f"/data/all/{row}.bmp" for row in range(count)],
            "label": label,
            "subject": names,
            "sha256": marks(),
            "pixel_sha256": marks(),
            "cell": marks() if draw(st.booleans()) else [""] * count,
        }
    )


def components(cohort):
    """Persons joined by an image or a cell, found by merging sets until nothing changes."""
    labeled = cohort.select(cohort["label"] != UNKNOWN)
    persons = set(labeled["person"])
    rows = cohort.select(np.array([name in persons for name in cohort["person"]]))
    groups = [{name} for name in persons]
    for column in ("sha256", "pixel_sha256", "cell"):
        for value in set(rows[column]) - {""}:
            groups.append(set(rows["person"][rows[column] == value]))
    merged = True
    while merged:
        merged = False
        for first in range(len(groups)):
            for second in range(len(groups) - 1, first, -1):
                if groups[first] & groups[second]:
                    groups[first] |= groups.pop(second)
                    merged = True
    return groups


def fewest(cohort):
    """How many independent persons the scarcer class has."""
    groups = components(cohort)
    owners = [set(cohort["person"][cohort["label"] == label]) for label in (ALL, HEM)]
    return min(sum(bool(group & own) for group in groups) for own in owners)


def assert_sound(cohort, split):
    """Written out apart from the code under test: every pair of rows that shares a thing."""
    placed = apply_split(cohort, split)
    labeled = cohort["label"] != UNKNOWN
    assert set(placed["part"][labeled]) <= set(PARTS)
    assert set(placed["part"][~labeled]) <= {""}
    for column in ("person", "sha256", "pixel_sha256", "cell"):
        part_of = {}
        for value, part in zip(placed[column], placed["part"], strict=True):
            if value and part:
                assert part_of.setdefault(value, part) == part, (column, value)
    check_disjoint(placed)
    assert straddling(placed) == {}
    assert not split.leaky
    return placed


@settings(max_examples=40, deadline=None)
@given(cohorts(), st.integers(0, 1000))
def test_nothing_is_ever_on_two_sides(cohort, seed):
    if fewest(cohort) < 3:
        with pytest.raises(SplitError, match=r"need at least one each|no cell has a label"):
            split_cohort(cohort, seed=seed)
        return
    placed = assert_sound(cohort, split_cohort(cohort, seed=seed))
    for part in PARTS:
        assert {ALL, HEM} <= set(placed["label"][placed["part"] == part])


@settings(max_examples=15, deadline=None)
@given(cohorts(), st.integers(3, 5))
def test_folds_test_every_person_once(cohort, k):
    if fewest(cohort) < k:
        with pytest.raises(SplitError):
            folds(cohort, k)
        return
    splits = folds(cohort, k)
    placed = [assert_sound(cohort, split) for split in splits]
    labeled = cohort["label"] != UNKNOWN
    for part in ("test", "validation"):
        times = sum((own["part"] == part).astype(int) for own in placed)
        assert (times[labeled] == 1).all()


@settings(max_examples=5, deadline=None)
@given(cohorts())
def test_every_person_is_left_out_once(cohort):
    if fewest(cohort) < 3:
        return
    splits = leave_one_person_out(cohort)
    tested = [name for split in splits for name in split.units("test")]
    assert sorted(tested) == sorted(set(cohort["person"][cohort["label"] != UNKNOWN]))
    for split in splits:
        assert_sound(cohort, split)
        assert any(set(split.units("test")) <= group for group in components(cohort))


@settings(max_examples=15, deadline=None)
@given(
    cohorts(), st.sampled_from(["person", "subject", "image"]), st.randoms(use_true_random=False)
)
def test_the_order_of_rows_does_not_matter(cohort, kind, random):
    order = list(range(len(cohort)))
    random.shuffle(order)
    try:
        split = split_cohort(cohort, kind, seed=7)
    except SplitError:
        return
    again = split_cohort(cohort.select(np.array(order)), kind, seed=7)
    assert again == split
    assert list(again.parts) == list(split.parts)


def cohort_of(sizes, **more):
    """Cells per person: {"1": 5, "H1": 4}; a name starting with H is HEM."""
    subject = [name for name, count in sizes.items() for _ in range(count)]
    table = {
        "path": [f"/x/fold_0/all/{row}.bmp" for row in range(len(subject))],
        "label": [HEM if name.startswith("H") else ALL for name in subject],
        "subject": subject,
    }
    return make_cohort(table | more, source="cells.csv")


UNEQUAL = cohort_of(
    {f"{n}": size for n, size in enumerate([1074, 402, 352, 282, 268, 246, 219, 99, 97, 92, 9])}
    | {f"H{n}": size for n, size in enumerate([789, 441, 373, 185, 162, 154, 119, 108, 54])}
)


@pytest.mark.parametrize("seed", range(5))
def test_few_and_unequal_persons_come_near_the_fractions(seed):
    placed = apply_split(UNEQUAL, split_cohort(UNEQUAL, fractions=(0.6, 0.2, 0.2), seed=seed))
    for label in (ALL, HEM):
        own = placed["label"] == label
        for part, fraction in zip(PARTS, (0.6, 0.2, 0.2), strict=True):
            assert abs(np.mean(placed["part"][own] == part) - fraction) < 0.12
            assert len(set(placed["person"][own & (placed["part"] == part)])) >= 2


def test_the_seed_changes_the_split():
    assert len({tuple(split_cohort(UNEQUAL, seed=seed).units("test")) for seed in range(6)}) >= 5


@pytest.mark.parametrize(
    ("fractions", "parts"),
    [
        ((0.8, 0.2, 0), {"train", "validation"}),
        ((1, 0, 0), {"train"}),
        ((0.5, 0, 0.5), {"train", "test"}),
    ],
)
def test_a_fraction_of_nought_makes_no_part(fractions, parts):
    assert set(split_cohort(UNEQUAL, fractions=fractions).parts.values()) == parts


@pytest.mark.parametrize(
    "fractions",
    [(0.5, 0.5), (0.6, 0.3, 0.3), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"),) * 3],
)
def test_fractions_that_make_no_sense(fractions):
    with pytest.raises(SplitError, match="give three for train, validation and test"):
        split_cohort(UNEQUAL, fractions=fractions)


def test_what_cannot_be_split_says_so():
    with pytest.raises(SplitError, match="HEM has cells of 1 person, and 3 subsets"):
        split_cohort(cohort_of({"1": 9, "2": 9, "3": 9, "H1": 9}))
    with pytest.raises(SplitError, match="HEM has cells of 0 persons"):
        split_cohort(cohort_of({"1": 9, "2": 9, "3": 9}))
    with pytest.raises(SplitError, match="choose person, subject"):
        split_cohort(UNEQUAL, "random")
    with pytest.raises(SplitError, match="the seed is -1"):
        split_cohort(UNEQUAL, seed=-1)
    with pytest.raises(SplitError, match="at least 3 folds"):
        folds(UNEQUAL, 2)
    with pytest.raises(SplitError, match="no cell has a label"):
        split_cohort(make_cohort({"path": ["a"], "subject": ["1"]}))
    with pytest.raises(SplitError, match="1 images, too few for 3"):
        split_cohort(cohort_of({"1": 9, "H1": 1}), "image")


def test_persons_with_both_classes_can_be_all_there_is():
    both = cohort_of({"1": 4, "2": 4, "3": 4}, label=[ALL, ALL, HEM, HEM] * 3)
    assert set(split_cohort(both).parts.values()) == set(PARTS)


def test_persons_who_share_an_image_stay_together_and_are_named():
    sizes = {f"{n}": 2 for n in range(6)} | {f"H{n}": 2 for n in range(4)}
    for seed in range(10):
        sha256 = ["b", "c", "v", "x", "d", "e", "b", "d", "y", "e", "z", "w"] + [""] * 8
        split = split_cohort(cohort_of(sizes, sha256=sha256), seed=seed)
        assert len({split.parts[name] for name in ("0", "2", "3", "4")}) == 1
        assert any("Persons 0, 2, 3, 4 share" in line for line in split.warnings)
        assert any("Persons 0, 1 share" in line for line in split.warnings) is False


def test_a_long_chain_of_shared_images_holds_together():
    sizes = {f"{n}": 2 for n in range(1, 9)} | {f"H{n}": 1 for n in range(3)}
    # 5 with 6, then 4 with 5, ... so that each link hangs the chain so far below a new person
    marks = [("a", ""), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "")]
    sha256 = [mark for own in marks for mark in own] + [""] * 7
    order = np.arange(len(sha256))[::-1]
    split = split_cohort(cohort_of(sizes, sha256=sha256).select(order))
    assert len({split.parts[f"{n}"] for n in range(1, 7)}) == 1
    assert any("Persons 1, 2, 3, 4, 5, 6 share" in line for line in split.warnings)


def test_splits_over_images_and_subjects_are_marked_leaky():
    audited = cohort_of(
        {f"{n}": 20 for n in range(6)} | {f"H{n}": 20 for n in range(6)},
        person=["0"] * 120 + [f"H{n}" for n in range(6) for _ in range(20)],
        cell=[f"c{n}" for n in range(240)],
    )
    for kind in ("image", "subject"):
        split = split_cohort(audited, kind)
        placed = apply_split(audited, split)
        assert split.leaky
        assert straddling(placed)["0"] == set(PARTS)
        assert any("0 (train, validation, test)" in line for line in split.warnings)
        with pytest.raises(LeakageError, match=r"0 \(train, validation, test\)"):
            check_disjoint(placed)
    labels, parts = placed["label"], apply_split(audited, split_cohort(audited, "image"))["part"]
    assert [np.sum((labels == ALL) & (parts == part)) for part in PARTS] == [60, 24, 36]


def official(folds_, person=None):
    sizes = dict.fromkeys(folds_, 4)
    fold = [own for own in folds_.values() for _ in range(4)]
    more = {"fold": fold, "cell": [str(n) for n in range(len(fold))]}
    if person:
        more["person"] = [person.get(name, name) for name in folds_ for _ in range(4)]
    return cohort_of(sizes, **more)


FOLDS = {"1": "0", "2": "0", "3": "1", "20": "2", "H1": "0", "H2": "1", "H3": "1", "H9": "2"}


def test_an_official_fold_is_the_test_as_it_is():
    split = split_cohort(official(FOLDS), "official")
    assert split.units("test") == ["20", "H9"]
    assert split.unit == "subject"
    assert not split.leaky
    assert {name[:1] == "H" for name in split.units("validation")} == {True, False}
    assert split_cohort(official(FOLDS), "official", test_fold="1").units("test") == [
        "3",
        "H2",
        "H3",
    ]


def test_persons_who_straddle_the_official_folds_are_named():
    cohort = official(FOLDS, {"20": "1", "3": "2"})
    split = split_cohort(cohort, "official")
    assert split.leaky
    assert any(
        "1 person is in more than one subset" in line and "1 (" in line for line in split.warnings
    )
    assert split.parts["2"] == split.parts["3"]  # one person, within the training folds


def test_official_leaves_the_official_test_sets_alone():
    split_with = split_cohort(official(FOLDS | {"77": "prelim"}), "official")
    assert "77" not in split_with.parts
    placed = apply_split(official(FOLDS | {"77": "prelim"}), split_with)
    assert set(placed["part"][placed["subject"] == "77"]) == {""}


def test_official_needs_the_folds():
    with pytest.raises(SplitError, match=r"official folds \(none\)"):
        split_cohort(UNEQUAL, "official")
    with pytest.raises(SplitError, match="official folds 0, 1, 2; testing on fold 7"):
        split_cohort(official(FOLDS), "official", test_fold="7")
    cohort = official(FOLDS)
    fold = cohort["fold"].copy()
    fold[0] = "1"
    with pytest.raises(SplitError, match="subject 1 is in folds 1 and 0"):
        split_cohort(cohort.with_columns(fold=fold), "official")


def test_without_an_audit_a_split_says_so():
    assert "no audit" in split_cohort(UNEQUAL).warnings[0]
    audited = UNEQUAL.with_columns(cell=[str(n) for n in range(len(UNEQUAL))])
    assert split_cohort(audited).warnings == ()


@pytest.mark.parametrize("kind", ["person", "image", "subject"])
def test_a_split_is_read_as_written(tmp_path, kind):
    split = split_cohort(UNEQUAL, kind)
    write_split(split, tmp_path / "split.json")
    again = read_split(tmp_path / "split.json")
    assert again == split
    assert list(again.parts) == list(split.parts)
    placed, expected = apply_split(UNEQUAL, again), apply_split(UNEQUAL, split)
    assert (placed["part"] == expected["part"]).all()
    written = json.loads((tmp_path / "split.json").read_text())
    assert written["parts"]["test"] == split.units("test")


def test_an_image_split_holds_in_another_place():
    split = split_cohort(UNEQUAL, "image")
    moved = UNEQUAL.with_columns(path=[f"/elsewhere{path}" for path in UNEQUAL["path"]])
    placed = apply_split(moved.with_columns(path=[p[10:] for p in moved["path"]]), split)
    assert (placed["part"] == apply_split(UNEQUAL, split)["part"]).all()


def test_units_that_a_split_does_not_name_are_refused():
    split = split_cohort(cohort_of({f"{p}{n}": 3 for p in ("", "H") for n in range(4)}))
    with pytest.raises(SplitError, match="98, 99"):
        apply_split(cohort_of({"1": 1, "98": 1, "99": 1}), split)


GOOD = {
    "schema": "leukoscope-split-1",
    "kind": "person",
    "seed": 0,
    "leaky": False,
    "warnings": [],
    "unit": "person",
    "parts": {"train": ["1"], "validation": ["2"], "test": ["3"]},
}


def test_a_file_written_by_hand_is_read(tmp_path):
    (tmp_path / "split.json").write_text(json.dumps(GOOD))
    parts = {"1": "train", "2": "validation", "3": "test"}
    assert read_split(tmp_path / "split.json") == Split("person", 0, "person", parts, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other"}, "schema is 'other'"),
        ({"seed": True}, "seed must be a whole number"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"kind": "random"}, "kind is 'random'"),
        ({"unit": "label"}, "unit is 'label'"),
        ({"extra": 1}, "unknown field extra"),
        ({"warnings": [1]}, r"warnings\[0\]"),
        ({"parts": {"train": ["1"], "test": ["1"]}}, "'1' is in train and in test"),
        ({"parts": {"train": ["1", "1"]}}, "'1' is in train and in train"),
        ({"parts": {"practice": ["1"]}}, r"parts\.practice"),
        ({"parts": {"train": "123"}}, r"parts\.train must be a list"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path, change, message):
    path = tmp_path / "split.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(SplitError, match=message):
        read_split(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"schema": 1}', "[" * 100_000])
def test_a_file_that_is_no_split_is_refused(tmp_path, text):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(SplitError, match="split"):
        read_split(tmp_path / "split.json")
    with pytest.raises(SplitError, match="cannot be read"):
        read_split(tmp_path / "absent.json")


@pytest.mark.real
def test_real_subjects_split_near_the_fractions(cnmc_dir):
    cohort = read_cohort(cnmc_dir)
    for seed in range(3):
        placed = apply_split(cohort, split_cohort(cohort, seed=seed))
        check_disjoint(placed)
        for label in (ALL, HEM):
            shares = [np.mean(placed["part"][placed["label"] == label] == part) for part in PARTS]
            assert np.abs(np.subtract(shares, FRACTIONS)).max() < 0.08


def test_leaks_name_re_encoded_images_apart_from_identical_files():
    cohort = make_cohort(
        {
            "path": list("abcd"),
            "label": [ALL] * 4,
            "subject": ["1", "2", "3", "4"],
            "sha256": ["f1", "f1", "f3", "f4"],
            "pixel_sha256": ["p1", "p1", "p3", "p3"],
            "part": ["train", "test", "train", "validation"],
        }
    )
    assert leaks(cohort) == (
        "1 image is in more than one subset: f1 (train, test)",
        "1 re-encoded image is in more than one subset: p3 (train, validation)",
    )
