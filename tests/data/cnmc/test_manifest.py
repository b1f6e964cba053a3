"""`data verify` against the official manifest.

No image of the data set is needed: small made-up files stand in for the official ones, so the real
code reads, hashes and judges real trees on disk.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.core.errors import CohortError
from leukoscope.data.cnmc import manifest, official, verification
from leukoscope.data.cnmc.manifest import identify, verify
from leukoscope.data.cnmc.official import OfficialImage, official_images

TRAIN = "C-NMC_Leukemia/training_data"
PRELIM = "C-NMC_Leukemia/validation_data/C-NMC_test_prelim_phase_data"
FINAL = "C-NMC_Leukemia/testing_data/C-NMC_test_final_phase_data"
SMALL = {
    f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp": b"first blast",
    f"{TRAIN}/fold_0/hem/UID_H1_1_1_hem.bmp": b"first normal",
    f"{TRAIN}/fold_1/all/UID_2_1_1_all.bmp": b"twin",
    f"{TRAIN}/fold_2/all/UID_3_1_1_all.bmp": b"twin",
    f"{PRELIM}/1.bmp": b"prelim one",
    f"{FINAL}/1.bmp": b"final one",
    f"{FINAL}/2000.bmp": b"final two thousand",
}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A complete copy of a seven-image data set, and the manifest that describes it."""
    images = tuple(
        OfficialImage(path, len(content), hashlib.sha256(content).digest()[:16])
        for path, content in sorted(SMALL.items())
    )
    for module in (manifest, verification):
        monkeypatch.setattr(module, "official_images", lambda: images)
    manifest._index.cache_clear()
    manifest._official_sizes.cache_clear()
    for path, content in SMALL.items():
        target = tmp_path / "copy" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    yield tmp_path / "copy"
    manifest._index.cache_clear()
    manifest._official_sizes.cache_clear()


def statuses(found):
    return {finding.path: finding.status for finding in found.findings}


def test_shipped_manifest_has_the_published_counts():
    images = official_images()
    assert len(images) == 15114
    assert len({image.path for image in images}) == 15114
    assert sum("/all/" in image.path for image in images) == 7272
    assert sum("/hem/" in image.path for image in images) == 3389
    parts = [sum(image.part == part for image in images) for part in official.PARTS.values()]
    assert parts == [3527, 3581, 3553, 1867, 2586]
    assert {len(image.digest) for image in images} == {16}


def test_packing_is_lossless_and_repeatable(tmp_path, monkeypatch):
    images = [OfficialImage(f"a/b/fold_0/all/UID_{n}.bmp", n, bytes([n]) * 16) for n in (2, 1)]
    official.pack_manifest(images, tmp_path / "official_manifest.npz")
    official.pack_manifest(images[::-1], tmp_path / "again.npz")
    first = (tmp_path / "official_manifest.npz").read_bytes()
    assert first == (tmp_path / "again.npz").read_bytes()
    monkeypatch.setattr(official, "files", lambda package: tmp_path)
    assert official.official_images.__wrapped__() == tuple(sorted(images, key=lambda i: i.path))


def test_complete_copy(copy):
    found = verify(copy)
    assert (found.state, found.exit_code) == ("complete", 0)
    assert set(statuses(found).values()) == {"present"}
    assert found.counts()["training fold 0"]["present"] == 2


@pytest.mark.parametrize(
    ("inside", "present"),
    [
        (".", 7),
        ("C-NMC_Leukemia", 7),
        (TRAIN, 4),
        (f"{TRAIN}/fold_0", 2),
        (f"{TRAIN}/fold_0/hem", 1),
        (PRELIM, 1),
        ("C-NMC_Leukemia/testing_data", 2),
    ],
)
def test_any_folder_of_the_tree_can_be_named(copy, inside, present):
    found = verify(copy / inside)
    assert len(found.of("present")) == present == len(found.findings)
    assert found.exit_code == 0
    assert len(found.missing) == 7 - present


@pytest.mark.parametrize("where", ["PKG - C-NMC 2019", "all", "deep/down/fold_2/here"])
def test_the_names_of_enclosing_folders_do_not_matter(copy, tmp_path, where):
    (tmp_path / "other" / where).parent.mkdir(parents=True)
    copy.rename(tmp_path / "other" / where)
    assert verify(tmp_path / "other").state == "complete"
    assert verify(tmp_path / "other" / where).state == "complete"


def test_tree_of_the_archive_without_upper_folders_and_in_other_case(copy, tmp_path):
    top = tmp_path / "tcia"
    shutil.copytree(copy / TRAIN, top / "C-NMC_training_data")
    shutil.copytree(
        copy / PRELIM, top / "c-nmc_test_prelim_phase_data/C-NMC_test_prelim_phase_data"
    )
    shutil.copytree(copy / FINAL, top / "C-NMC_TEST_FINAL_PHASE_DATA")
    (top / "C-NMC_training_data/fold_0/hem").rename(top / "C-NMC_training_data/fold_0/HEM")
    assert verify(top).state == "complete"


def test_flat_copy_is_told_by_its_bytes(copy, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in SMALL:
        if path != f"{FINAL}/1.bmp":
            shutil.copy(copy / path, flat)
    assert verify(flat).missing == (f"{FINAL}/1.bmp",)
    assert verify(flat).state == "partial"


def test_faults_fail_the_copy(copy):
    blast = copy / TRAIN / "fold_0/all/UID_1_1_1_all.bmp"
    blast.write_bytes(b"first blasT")
    (copy / TRAIN / "fold_0/hem/UID_H1_1_1_hem.bmp").rename(
        copy / TRAIN / "fold_0/all/UID_H1_1_1_hem.bmp"
    )
    (copy / PRELIM / "1.bmp").rename(copy / PRELIM / "cell.bmp")
    (copy / FINAL / "2000.bmp").write_bytes(b"short")
    found = verify(copy)
    assert {f.path.rsplit("/", 1)[1]: f.status for f in found.of(*verification.FAULTS)} == {
        "UID_1_1_1_all.bmp": "altered",
        "UID_H1_1_1_hem.bmp": "misplaced",
        "cell.bmp": "renamed",
        "2000.bmp": "altered",
    }
    assert (found.state, found.exit_code, found.missing) == ("altered", 1, ())
    assert found.counts()["training fold 0"]["altered"] == 1
    assert found.summary()[0].startswith("NOT ")
    assert any("cell.bmp  is  " + f"{PRELIM}/1.bmp" in line for line in found.summary())


def test_swapped_numbers_of_two_test_sets_are_seen(copy):
    prelim, final = copy / PRELIM / "1.bmp", copy / FINAL / "1.bmp"
    final.rename(copy / "kept.bmp")
    prelim.rename(final)
    (copy / "kept.bmp").rename(prelim)
    assert {f.official for f in verify(copy).of("misplaced")} == {
        f"{PRELIM}/1.bmp",
        f"{FINAL}/1.bmp",
    }


def test_extras_and_second_copies_are_listed_but_do_not_fail(copy):
    (copy / "UID_1_1_1_all - Copy.bmp").write_bytes(SMALL[f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp"])
    (copy / "1.bmp").write_bytes(b"a user's own picture")
    (copy / "notes.png").write_bytes(b"png")
    for name in (".DS_Store", "Thumbs.db", "labels.csv", "._UID_1_1_1_all.bmp"):
        (copy / name).write_bytes(b"x")
    found = verify(copy)
    assert found.state == "complete"
    assert statuses(found)["UID_1_1_1_all - Copy.bmp"] == "repeated"
    assert [f.path for f in found.of("extra")] == ["1.bmp", "notes.png"]
    assert found.others == 4


def test_a_renamed_twin_stands_for_the_image_that_is_not_there(copy):
    (copy / TRAIN / "fold_2/all/UID_3_1_1_all.bmp").rename(copy / "lost.bmp")
    found = verify(copy)
    assert [f.official for f in found.of("renamed")] == [f"{TRAIN}/fold_2/all/UID_3_1_1_all.bmp"]
    assert len(found.of("present")) == 6


def test_links_are_not_followed_out_of_the_folder(copy, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    moved = copy / TRAIN / "fold_0/all/UID_1_1_1_all.bmp"
    moved.rename(outside / "secret.bmp")
    moved.symlink_to(outside / "secret.bmp")
    (copy / "everything").symlink_to(outside)
    (copy / "loop").symlink_to(copy)
    (copy / "self.bmp").symlink_to(copy / "self.bmp")
    found = verify(copy)
    assert sorted(f.path for f in found.of("linked")) == [
        f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp",
        "everything",
    ]
    assert found.missing == (f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_named_like_an_image_does_not_hang(copy):
    os.mkfifo(copy / "UID_9_9_9_all.bmp")
    assert verify(copy).others == 1


def test_unreadable_image_is_a_fault(copy, monkeypatch):
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == "UID_1_1_1_all.bmp":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    found = verify(copy)
    assert [f.official for f in found.of("unreadable")] == [f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp"]
    assert found.exit_code == 1


def test_names_cannot_write_to_the_terminal(copy):
    (copy / "evil\x1b[2J\n.bmp").write_bytes(b"x")
    found = verify(copy)
    assert [f.path for f in found.of("extra")] == ["evil?[2J?.bmp"]


def test_report_as_plain_types(copy):
    (copy / TRAIN / "fold_0/all/UID_1_1_1_all.bmp").unlink()
    report = json.loads(json.dumps(verify(copy).to_dict()))
    assert (report["state"], report["present"], report["official"]) == ("partial", 6, 7)
    assert report["missing"] == [f"{TRAIN}/fold_0/all/UID_1_1_1_all.bmp"]
    assert report["parts"]["training fold 0"]["missing"] == 1


@pytest.mark.parametrize("name", ["nowhere", "file.zip"])
def test_what_is_no_folder_is_refused(tmp_path, name):
    (tmp_path / "file.zip").write_bytes(b"PK")
    with pytest.raises(CohortError, match="folder"):
        verify(tmp_path / name)


def test_folder_without_official_images(tmp_path):
    found = verify(tmp_path)
    assert (found.state, found.exit_code) == ("unknown", 1)
    assert len(found.missing) == 15114


@given(st.integers(0, 15113), st.integers(0, 4), st.lists(st.sampled_from(["a", "Data", "2019"])))
def test_every_official_image_is_known_from_any_part_of_its_path(number, kept, around):
    image = official_images()[number]
    folders = image.path.split("/")[:-1]
    place = [*around, *folders[len(folders) - min(kept, len(folders)) :]]
    status, known = identify(place, image.name.upper(), image.digest)
    assert status == "present"
    assert known is not None
    assert (known.digest, known.name) == (image.digest, image.name)


@given(st.integers(0, 15113), st.binary(min_size=16, max_size=16))
def test_other_bytes_are_never_present(number, digest):
    image = official_images()[number]
    status, known = identify(image.path.split("/")[:-1], image.name, digest)
    assert (status, known) == ("altered", image)


@pytest.mark.real
def test_restored_images_are_a_partial_copy(cnmc_dir):
    one = cnmc_dir / TRAIN / "fold_0" / "hem"
    found = verify(one)
    assert found.state == "partial"
    assert found.counts()["training fold 0"]["present"] == len(list(one.glob("*.bmp")))
