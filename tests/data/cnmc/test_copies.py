import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukoscope.data.audit.linking import link_persons
from leukoscope.data.cnmc import recognize
from leukoscope.data.cnmc.copies import (
    COPIES,
    PIXEL_DIGITS,
    by_official_path,
    copies,
    copies_note,
    found_copies,
    known_copies,
    known_persons,
)
from leukoscope.data.cnmc.official import OfficialImage, official_images
from leukoscope.data.cnmc.recognize import official_file, official_path, official_pictures
from leukoscope.data.imaging.image import center, decode
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from leukoscope.inference.model_file import hashes
from leukoscope.inference.model_file.hashes import SeenImages

PRELIMINARY = next(i for i in official_images() if i.path.endswith("prelim_phase_data/385.bmp"))


def test_the_known_copies_are_22_pairs_of_official_images_in_both_directions() -> None:
    known = known_copies()
    assert {len(rows) for rows in COPIES.values()} == {6, 16}
    assert len(known) == len(by_official_path()) == 44
    assert all(known[copy] == original for original, copy in known.items())
    assert set(known) <= {image.digest for image in official_images()}
    assert len({copy.pixels for copy in copies()}) == 22


def test_a_model_trained_on_one_side_has_seen_the_other_by_file_and_by_pixels() -> None:
    copy = copies()[0]
    files = [int.from_bytes(digest[:8], "big") for digest in copy.digests]
    pixels = copy.pixels + "0" * 32
    for seen in (
        SeenImages.with_known_copies(files[:1], ()),
        SeenImages.with_known_copies(files[1:], ()),
        SeenImages.with_known_copies((), [int(copy.pixels[:16], 16)]),
    ):
        assert all(seen.has(digest.hex() + "0" * 32) for digest in copy.digests)
        assert seen.has("", pixels)
        assert seen.complete == (not seen.files)
    expected = SeenImages(frozenset([1]), frozenset([2]), complete=True)
    assert SeenImages.with_known_copies([1], [2]) == expected


def test_the_official_list_is_read_only_where_pixels_cannot_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read() -> None:
        raise AssertionError("the official list is read")

    monkeypatch.setattr(hashes, "copies", read)
    seen = SeenImages.with_known_copies([1], [2])
    assert not seen.has("a" * 64, "b" * 64)
    assert not seen.has_file("a" * 64)
    assert not SeenImages.with_known_copies([], []).has("a" * 64)
    with pytest.raises(AssertionError):
        seen.has("a" * 64)


@pytest.mark.real
def test_real_training_images_give_the_hashes_of_their_copies(cnmc_dir: Path) -> None:
    known, official_by_name = known_copies(), {image.name: image for image in official_images()}
    for number, path in enumerate(sorted(cnmc_dir.rglob("UID_51_*_all.bmp"))):
        official = official_by_name[path.name]
        if number % 20 and official.path not in by_official_path():
            continue  # of those without a copy, a twentieth
        image = decode(path)
        found = [copy.digest for copy in official_pictures(image)]
        other = [known[official.digest]] if official.digest in known else []
        assert found == [official.digest, *other]
        pixels = pixel_sha256(image)
        assert official_path("", image, pixels) == official.path
        if copy := by_official_path().get(official.path):
            assert pixels.startswith(copy.pixels)
            assert pixel_sha256(center(image, 600)[:, ::-1]) == pixels
            assert official_path("", image[::-1], pixels) == official.path


@pytest.mark.parametrize(("size", "part"), [(450, 0), (450, 1), (600, 2)])
def test_a_picture_with_the_bytes_of_an_official_file_is_official_in_any_format(
    monkeypatch: pytest.MonkeyPatch, size: int, part: int
) -> None:
    image = np.zeros((size, size, 3), np.uint8)
    image[200:204, 200:207] = np.arange(20, 27)[:, None]
    forms = [header for headers in recognize._HEADERS.values() for header in headers]
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "BMP")
    content = forms[part] + buffer.getvalue()[54:]
    assert np.array_equal(decode(content), image)
    digest = recognize.hashlib.sha256(content).digest()[:16]
    official = OfficialImage("C-NMC_Leukemia/training_data/fold_0/all/a.bmp", 1, digest)
    monkeypatch.setattr(recognize, "_by_digest", lambda: {digest: official})
    assert official_path("", image, pixel_sha256(image)) == official.path
    image[200, 200] = 91
    assert official_path("", image, pixel_sha256(image)) == ""


def test_an_official_file_is_known_by_its_hash_and_other_text_is_not() -> None:
    assert official_file(PRELIMINARY.digest.hex() + "0" * 32) == PRELIMINARY
    assert official_path("ab" * 32, None, "") == ""
    assert official_file("no hash") is None


def test_subject_55_of_the_preliminary_set_alone_is_person_51() -> None:
    officials = [PRELIMINARY.path, "", "", ""]
    subjects = np.array(["55", "55", "57", ""], dtype=object)
    known = known_persons(subjects, officials)
    assert known == {0: "51"}
    person, persons = link_persons(subjects, [], known)
    assert list(person) == ["51", "51", "57", ""]
    assert persons == {"55": "51", "57": "57"}


def test_official_images_of_51_55_75_and_78_are_of_one_person_and_others_are_not() -> None:
    other = next(i.path for i in official_images() if i.path not in by_official_path())
    subjects = np.array(["55", "75", "78", "74", "55"], dtype=object)
    known = known_persons(subjects, [other] * 4 + [""])
    assert known == {0: "51", 1: "51", 2: "51"}
    person, _ = link_persons(subjects[:4], [], known)
    assert list(person) == ["51", "51", "51", "74"]


def test_copies_are_named_with_the_other_side_whichever_is_at_hand() -> None:
    copy = by_official_path()[PRELIMINARY.path]
    assert found_copies(["", PRELIMINARY.path]) == {copy.test: copy.training}
    assert found_copies([copy.training]) == {copy.training: copy.test}
    assert copies_note(["", "x"]) == []
    (note,) = copies_note(["", PRELIMINARY.path])
    assert "1 of these images (1 in preliminary test)" in note
    assert "of 0 pictures" in note
    assert "51 55 75 78" in note
    assert "of 22 pictures" in copies_note(list(by_official_path()))[0]
    assert all(len(copy.pixels) == PIXEL_DIGITS for copy in copies())
