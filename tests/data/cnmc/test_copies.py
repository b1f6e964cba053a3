from pathlib import Path

import numpy as np
import pytest

from leukoscope.data.audit.linking import link_persons
from leukoscope.data.cnmc.copies import COPIES, find_copies, known_copies, subjects_of_copies
from leukoscope.data.cnmc.official import official_images
from leukoscope.data.imaging.image import decode
from leukoscope.inference.model_file.hashes import SeenImages


def test_the_known_copies_are_22_pairs_of_official_images_in_both_directions() -> None:
    known = known_copies()
    assert {len(copies) for copies in COPIES.values()} == {6, 16}
    assert len(known) == 44
    assert all(known[copy] == original for original, copy in known.items())
    assert set(known) <= {image.digest for image in official_images()}


def test_a_model_trained_on_one_side_has_seen_the_other() -> None:
    first, second = next(iter(known_copies().items()))
    for one, other in ((first, second), (second, first)):
        seen = SeenImages.with_known_copies({int.from_bytes(one[:8], "big")}, ())
        assert seen.has(other.hex() + "0" * 32)
        assert seen.has(one.hex() + "0" * 32)


@pytest.mark.real
def test_real_training_images_give_the_hashes_of_their_copies(cnmc_dir: Path) -> None:
    known = known_copies()
    for path in sorted(cnmc_dir.rglob("UID_51_*_all.bmp")):
        digest = next(i.digest for i in official_images() if i.name == path.name)
        found = [copy.digest for copy in find_copies(decode(path))]
        assert found == ([known[digest]] if digest in known else [])


def test_subject_55_of_the_preliminary_set_alone_is_person_51() -> None:
    copy = next(i for i in official_images() if i.path.endswith("prelim_phase_data/385.bmp"))
    hashes = [copy.digest.hex() + "0" * 32, "ab" * 32, "cd" * 32, ""]
    known = subjects_of_copies(hashes)
    assert known == {0: "51"}
    subjects = np.array(["55", "55", "57", ""], dtype=object)
    person, persons = link_persons(subjects, [], known)
    assert list(person) == ["51", "51", "57", ""]
    assert persons == {"55": "51", "57": "57"}
    assert subjects_of_copies(["1", "no hash"]) == {}
