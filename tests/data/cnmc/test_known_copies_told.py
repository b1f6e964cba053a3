"""Every step that reads images says which are in two official parts of C-NMC."""

import json
from pathlib import Path

import pytest
from PIL import Image

from leukoscope.cli.main import main
from leukoscope.data.audit.audit import audit
from leukoscope.data.cnmc import recognize
from leukoscope.data.cnmc.copies import PIXEL_DIGITS, copies
from leukoscope.data.cnmc.manifest import verify
from leukoscope.data.cohort import Cohort, read_cohort_table, write_cohort
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from leukoscope.data.splits.splits import split_cohort
from tests.data.cells import draw_cell, save_cohort


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """Drawn cells of 55 and three others; the first is taken for one of the known pictures."""
    images = {f"{number}.png": draw_cell(number) for number in range(4)}
    pixels = pixel_sha256(images["0.png"])[:PIXEL_DIGITS]
    monkeypatch.setattr(recognize, "by_pixels", lambda: {pixels: copies()[0]})
    (tmp_path / "cells").mkdir()
    save = {**images, "5.png": draw_cell(5)}
    return save_cohort(tmp_path / "cells", save, [1, 1, 0, 0, 1], ["55", "7", "H1", "H2", "55"])


def test_the_audit_joins_the_subject_and_names_the_copy(cells: Cohort) -> None:
    result = audit(cells)
    assert list(result.cohort["person"]) == ["51", "7", "H1", "H2", "51"]
    assert result.copies == {copies()[0].training: copies()[0].test}
    assert len(result.copy_notes) == 1
    assert result.remarks == []
    assert result.exit_code == 0
    again = audit(result.cohort)
    assert list(again.cohort["person"]) == list(result.cohort["person"])


def test_console_json_page_and_split_tell_it(
    cells: Cohort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cohort(cells, tmp_path / "cells.csv")
    out = tmp_path / "audit"
    for extra in ([], ["--json"]):
        with pytest.raises(SystemExit) as end:
            main(["data", "audit", str(tmp_path / "cells.csv"), "--out", str(out), *extra])
        assert end.value.code == 0
        printed = capsys.readouterr().out
        assert "two official parts" in printed or extra
    facts = json.loads(printed)
    assert facts["in_two_official_parts"] == [[copies()[0].training, copies()[0].test]]
    assert "two official parts of C-NMC 2019" in (out / "audit.html").read_text()
    table = read_cohort_table(out / "cohort.csv")
    assert table["official"][0] == copies()[0].training
    made = split_cohort(table, fractions=(0.5, 0.5, 0))
    assert any("two official parts" in warning for warning in made.warnings)


def test_verify_knows_the_picture_in_another_format(cells: Cohort, tmp_path: Path) -> None:
    found = verify(tmp_path / "cells")
    (finding,) = [one for one in found.findings if one.shows]
    assert (finding.path, finding.status) == ("0.png", "extra")
    assert found.copies == {copies()[0].training: copies()[0].test}
    assert found.to_dict()["in_two_official_parts"] == [
        {"official": copies()[0].training, "copy": copies()[0].test}
    ]
    assert any("has the pixels of" in line for line in found.summary())
    assert any("two official parts" in line for line in found.summary())


def test_other_images_are_not_told(tmp_path: Path) -> None:
    Image.fromarray(draw_cell(1)).save(tmp_path / "a.png")
    found = verify(tmp_path)
    assert found.copies == {}
    assert not any("two official parts" in line for line in found.summary())
