"""`leukoscope cells`: from folders of fields to a cohort that every other command reads."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import leukoscope as ls
from leukoscope.api.predict import predict_to_table
from leukoscope.cli.main import main
from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.resolution import stated_scale
from leukoscope.data.synthetic.field import FieldParams, draw_field
from leukoscope.inference.sources import list_images

SMALL = FieldParams(height=330, width=430, um_per_px=0.16, cells=3, red_cells=8, neutrophils=1)


@pytest.fixture(scope="module")
def smears(tmp_path_factory) -> Path:
    """Two fields of each class, of a patient each, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("smears")
    for number, name in enumerate(["ALL/patient_7", "normal/patient_H2"]):
        (folder / name).mkdir(parents=True)
        picture = Image.fromarray(draw_field(np.random.default_rng(number), SMALL).image)
        picture.save(folder / name / "field.png")
    (folder / "ALL" / "patient_7" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return folder


@pytest.fixture(scope="module")
def result(smears, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "cells"
    return ls.cells(smears, out=out, um_per_px=0.16, subject_pattern=r"patient_(\w+)", jobs=1)


def test_cells_csv_is_a_cohort_with_labels_and_subjects(result):
    cohort = ls.read_cohort(result.folder / "cells.csv")
    assert len(cohort) == len(result.cohort) == 6
    assert cohort.counts() == {"ALL": 3, "HEM": 3}
    assert cohort.unique("subject") == ["7", "H2"]
    assert set(cohort["um_per_px"]) == {0.05}
    assert all(decode(path).shape == (450, 450, 3) for path in cohort.paths)


def test_objects_csv_says_why_one_was_left_out(result):
    with (result.folder / "objects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(not row["left_out"] for row in rows) == 6
    left_out = [row for row in rows if row["left_out"]]
    assert {row["left_out"] for row in left_out} == {"lobed nucleus"}
    assert all(row["path"] == "" and row["outline"] for row in left_out)


def test_each_field_has_a_sheet_and_a_damaged_one_a_problem(result):
    assert len(list((result.folder / "sheets").rglob("field.jpg"))) == 2
    assert [Path(field.path).name for field in result.failed] == ["broken.png"]
    assert result.exit_code == 3


def test_the_cells_can_be_audited_and_described(result):
    facts = ls.describe_data(result.folder / "cells.csv")
    assert facts["cells"]["total"] == 6
    assert ls.audit(result.folder / "cells.csv").not_compared == []


def test_the_command_prints_counts_and_notes(smears, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["cells", str(smears / "normal"), "--out", str(tmp_path / "c"), "--json", "--jobs=1"])
    assert end.value.code == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cells"] == 3
    assert facts["left_out"] == {"lobed nucleus": 1}
    notes = " ".join(facts["notes"])
    for words in ("--um-per-px", "--subject-pattern", "C-NMC 2019 only"):
        assert words in notes


def test_words_for_the_classes_are_taken(smears, tmp_path):
    (tmp_path / "kranke").mkdir()
    data = (smears / "ALL" / "patient_7" / "field.png").read_bytes()
    (tmp_path / "kranke" / "f.png").write_bytes(data)
    made = ls.cells(
        tmp_path, out=tmp_path / "c", um_per_px=0.16, labels="all=kranke,hem=gesunde", jobs=1
    )
    assert made.cohort.counts() == {"ALL": 3, "HEM": 0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": ["pretty"]}, "one of 'dirt', 'platelet', .*'lobed nucleus'"),
        ({"um_per_px": 50.0}, "100x objective"),
        ({"segmenter": "magic"}, "classical"),
        ({"labels": "blau"}, "all=blast"),
        ({"labels": "blau=rot"}, "names no class"),
        ({"labels": "all=normal"}, "names both"),
        ({"subject_pattern": "("}, "regular expression"),
    ],
)
def test_a_wrong_option_is_one_clear_line_and_writes_nothing(smears, tmp_path, options, words):
    with pytest.raises(ls.LeukoscopeError, match=words):
        ls.cells(smears, out=tmp_path / "c", **options)
    assert not (tmp_path / "c").exists()


def test_a_folder_with_content_is_not_overwritten(smears, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ls.LeukoscopeError, match="name a new folder"):
        ls.cells(smears, out=tmp_path)


def test_fields_of_one_name_get_names_of_their_own(smears, tmp_path):
    picture = Image.open(smears / "ALL" / "patient_7" / "field.png")
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.tif")
    made = ls.cells(tmp_path, out=tmp_path / "c", um_per_px=0.16, jobs=1)
    assert len(set(made.cohort["path"])) == 6


def test_matched_colors_have_the_mean_of_cnmc(smears, tmp_path):
    from leukoscope.data.smear.match_color import CNMC_MEAN, color_moments

    made = ls.cells(smears / "ALL", out=tmp_path / "c", um_per_px=0.16, match_color=True, jobs=1)
    means = [color_moments(decode(path))[0] for path in made.cohort.paths]
    assert np.mean(means, axis=0) == pytest.approx(CNMC_MEAN, abs=0.03)


def test_sheets_are_not_read_as_cells_and_counted_as_left_out(result, caplog):
    cohort = ls.read_cohort(result.folder)
    assert len(cohort) == 6
    assert any("2 pictures of results" in note for note in cohort.notes)
    with caplog.at_level("WARNING"):
        predictions = ls.predict(result.folder)
    assert len(predictions) == 6
    assert "2 pictures of results" in caplog.text


def test_sheets_in_an_archive_or_named_by_a_pattern_are_not_read_as_cells(result, tmp_path):
    archive = Path(shutil.make_archive(str(tmp_path / "cells"), "zip", result.folder))
    assert len(list_images(archive)) == 6
    assert len(list_images(str(result.folder / "**" / "*.*g"))) == 6


def test_without_a_readable_picture_nothing_is_written(tmp_path, capsys):
    for name in ("a_b.png", "c.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(SystemExit) as end:
        main(["cells", str(tmp_path), "--out", str(tmp_path / "out")])
    assert end.value.code == 2
    assert not (tmp_path / "out").exists()
    assert str(tmp_path / "a_b.png") in capsys.readouterr().err


def test_paths_are_printed_as_they_are(result, smears, tmp_path, capsys):
    broken = smears / "ALL" / "patient_7"
    with pytest.raises(SystemExit) as end:
        main(["cells", str(broken), "--out", str(tmp_path / "c"), "--um-per-px=0.16", "--jobs=1"])
    assert end.value.code == 3
    assert str(broken / "broken.png") in capsys.readouterr().out


def test_the_scale_of_a_cell_is_in_its_file_and_in_the_answers(result, tmp_path, monkeypatch):
    assert {stated_scale(path.read_bytes()) for path in result.cohort.paths} == {0.05}
    assert [one.um_per_px for one in ls.predict(result.folder / "images")] == [0.05] * 6
    table = tmp_path / "p.csv"
    for fewest in (1, 99):  # kept in parts, and not
        monkeypatch.setattr("leukoscope.inference.bulk.plan.FEWEST_ROWS", fewest)
        outcome = predict_to_table([result.folder / "cells.csv"], out=table)
        assert (outcome.unknown_scale, outcome.scale_looked_at) == (0, 6)
        with table.open(newline="") as file:
            assert [row["um_per_px"] for row in csv.DictReader(file)] == ["0.05"] * 6


def test_predict_counts_images_of_unknown_scale(result, tmp_path, capsys):
    for number, path in enumerate(result.cohort.paths[:3]):
        plain = Image.fromarray(decode(path))
        plain.save(tmp_path / ("a.png" if number else "UID_57_1_1_all.bmp"))
    (tmp_path / "broken.png").write_bytes(b"no image")  # an error of its own, without a scale
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path), "--out", str(tmp_path / "p.csv")])
    assert "SCALE: 1 of 2" in " ".join(capsys.readouterr().err.split())


def test_predict_names_resized_official_images_and_other_scales(result, tmp_path, capsys):
    cell = Image.fromarray(decode(result.cohort.paths[0]))
    for side in (224, 300, 450, 600):
        cell.resize((side, side)).save(tmp_path / f"UID_57_1_{side}_all.bmp")
    cell.save(tmp_path / "double.png", dpi=(25_400 / 0.1, 25_400 / 0.1))
    outcome = predict_to_table([tmp_path], out=tmp_path / "p.csv")
    assert (outcome.unknown_scale, outcome.other_scale, outcome.scale_looked_at) == (3, 1, 5)
    assert "SCALE: 1 of 1" in repr(ls.predict(tmp_path / "double.png"))
    assert "SCALE" not in repr(ls.predict(tmp_path / "UID_57_1_450_all.bmp"))
    (tmp_path / "t.csv").write_text("path,um_per_px\nUID_57_1_300_all.bmp,0.075\n")
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path / "t.csv"), "--out", str(tmp_path / "p.csv")])
    assert capsys.readouterr().err.count("SCALE: 1 of 1") == 1
