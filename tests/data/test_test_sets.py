"""The official test sets: which images belong to one, and what differs from it."""

from hashlib import sha256

import numpy as np
import pytest

from leukoscope.core.errors import CohortError
from leukoscope.data import test_sets
from leukoscope.data.cnmc.cnmc import FINAL
from leukoscope.data.cnmc.official import OfficialImage
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.test_sets import check_set, is_leaking, number_of, of_test_set, set_images

CONTENT = [f"image {number}".encode() for number in range(1, 4)]


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> None:
    """A final test set of three images."""
    images = tuple(
        OfficialImage(f"C-NMC/testing_data/{FINAL}/{n}.bmp", 1, sha256(content).digest()[:16])
        for n, content in enumerate(CONTENT, start=1)
    )
    monkeypatch.setattr(test_sets, "official_images", lambda: images)


def cells(**content: bytes) -> Cohort:
    """A cohort of files: name without suffix to content."""
    names = [name.removeprefix("n") for name in content]
    cohort = make_cohort({"path": [f"/set/{name}.png" for name in names]})
    hashes = [sha256(one).hexdigest() for one in content.values()]
    return cohort.with_columns(sha256=hashes, official=[""] * len(names))


def test_the_sets_have_their_official_sizes() -> None:
    assert [len(set_images(name)) for name in ("preliminary", "final")] == [1867, 2586]
    assert [image.name for image in set_images("final")][8:11] == ["9.bmp", "10.bmp", "11.bmp"]


@pytest.mark.parametrize(
    ("name", "number"),
    [("a/7.bmp", 7), ("7.PNG", 7), ("007.bmp", None), ("UID_1_2_3_all.bmp", None)],
)
def test_the_number_of_a_file(name: str, number: int | None) -> None:
    assert number_of(name) == number


@pytest.mark.usefixtures("official")
def test_a_whole_set_is_official() -> None:
    check = check_set("final", cells(n3=CONTENT[2], n1=CONTENT[0], n2=CONTENT[1]))
    assert check.is_official
    assert check.lines() == ["All 3 images of the official final set, by content."]


@pytest.mark.usefixtures("official")
def test_whatever_differs_is_named() -> None:
    check = check_set("final", cells(n1=CONTENT[1], n2=b"another", x=CONTENT[2]))
    assert not check.is_whole
    assert check.missing == ("3.bmp",)
    assert check.renamed == ("/set/1.png",)
    assert check.unofficial == ("/set/2.png",)
    assert check.extra == ("/set/x.png",)
    assert len(check.lines()) == 4


@pytest.mark.usefixtures("official")
def test_a_number_twice_is_repeated() -> None:
    twice = make_cohort({"path": ["/a/1.bmp", "/b/1.bmp"]})
    hashed = twice.with_columns(sha256=[sha256(CONTENT[0]).hexdigest()] * 2, official=["", ""])
    assert check_set("final", hashed).repeated == ("1.bmp",)


def test_a_copy_of_a_training_image_is_itself_in_a_test_set() -> None:
    copied = next(iter(test_sets.by_official_path().values()))
    image = next(i for i in set_images("preliminary") if i.path == copied.test)
    one = make_cohort({"path": [f"/x/{image.name}"]}).with_columns(
        sha256=["00" * 32], official=[copied.training]
    )
    check = check_set("preliminary", one)
    assert check.renamed == check.unofficial == ()


def test_the_images_of_a_set_are_selected_by_folder() -> None:
    cohort = make_cohort({"path": ["a", "b", "c"], "fold": ["0", "final", "prelim"]})
    assert list(of_test_set(cohort, "final")["path"]) == ["b"]
    alone = make_cohort({"path": ["a", "b"]})
    assert len(of_test_set(alone, "final")) == 2
    with pytest.raises(CohortError, match="no image in a folder"):
        of_test_set(cohort.select(np.array([0])), "final")
    with pytest.raises(CohortError, match="preliminary or final"):
        of_test_set(cohort, "test")


def test_the_leaking_subject() -> None:
    cohort = make_cohort({"path": list("abc"), "subject": ["55", "57", "9"]}).with_columns(
        official=["", "x", "y"], person=["55", "57", "51"]
    )
    assert list(is_leaking(cohort)) == [True, False, True]
