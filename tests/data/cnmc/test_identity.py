from pathlib import Path

import numpy as np
from PIL import Image

from leukoscope.data.cnmc.copies import copies
from leukoscope.data.cnmc.identity import Identity, identify
from leukoscope.data.cohort import make_cohort
from leukoscope.data.hashing import hash_cells
from tests.data.cells import draw_cell


def test_a_file_is_decoded_again_only_if_its_bytes_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(draw_cell(1)).save(path)
    first = identify(path)
    assert (len(first.sha256), len(first.pixels), first.official) == (64, 64, "")
    told = Identity(first.sha256, "kept", "kept")
    assert identify(path, told) == told
    assert identify(path, Identity("other", "kept", "kept")) == first
    assert identify(tmp_path / "absent.png") == Identity()
    path.write_text("no picture")
    assert identify(path).pixels == ""


def test_known_pixels_give_the_official_path_of_any_file() -> None:
    copy = copies()[0]
    path = Identity.of(copy.digests[1].hex() + "0" * 32, None).official
    assert path == copy.test


def test_a_cohort_gets_the_columns_of_identity_and_old_ones_are_decoded(tmp_path: Path) -> None:
    Image.fromarray(draw_cell(1)).save(tmp_path / "a.png")
    paths = [str(tmp_path / "a.png"), str(tmp_path / "absent.png")]
    cohort = hash_cells(make_cohort({"path": paths}))
    assert list(cohort["official"]) == ["", ""]
    assert list(cohort["flags"]) == ["", "unreadable"]
    stale = cohort.with_columns(pixel_sha256=["stale", ""])
    assert hash_cells(stale)["pixel_sha256"][0] == "stale"
    old = make_cohort({name: stale[name] for name in stale if name != "official"})
    assert np.array_equal(hash_cells(old)["pixel_sha256"], cohort["pixel_sha256"])
