"""The official test sets, imitated by drawn cells: `evaluate --set preliminary`, `submission`."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import leukoscope as ls
from leukoscope.cli.main import app
from leukoscope.core.errors import CohortError, LeakageError
from leukoscope.data import test_sets
from leukoscope.data.cnmc import recognize
from leukoscope.data.cnmc.cnmc import FINAL, PRELIMINARY, parse_name
from leukoscope.data.cnmc.official import OfficialImage
from leukoscope.data.sources import CNMC
from leukoscope.inference.model_file.model_file import write_card

pytestmark = pytest.mark.slow(5)

MODEL = Path(str(resources.files("leukoscope.inference") / "default.onnx"))
LEAKING = "S1"
"""The drawn subject that takes the place of subject 55."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of C-NMC 2019 with both test sets, of the same 16 drawn cells."""
    folder = tmp_path_factory.mktemp("cnmc")
    drawn = ls.make_synthetic(folder / "drawn", persons=8, cells=2)
    rows = [["Patient_ID", "new_names", "labels"]]
    for part in (PRELIMINARY, FINAL):
        (folder / part).mkdir()
    for number, path in enumerate(drawn.paths, start=1):
        name = parse_name(path.name)
        assert name is not None
        subject = "55" if name.subject == LEAKING else f"9{number}"
        kind = "all" if name.label else "hem"
        rows.append([f"UID_{subject}_1_{number}_{kind}.bmp", f"{number}.bmp", str(name.label)])
        for part in (PRELIMINARY, FINAL):
            shutil.copy(path, folder / part / f"{number}.bmp")
    shutil.rmtree(folder / "drawn")
    with (folder / f"{PRELIMINARY}_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def official(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drawn images are the official ones."""
    images = tuple(
        OfficialImage(
            f"C-NMC_Leukemia/x/{path.parent.name}/{path.name}",
            path.stat().st_size,
            sha256(path.read_bytes()).digest()[:16],
        )
        for path in sorted(copy.glob("*/*.bmp"))
    )
    by_digest = {image.digest: image for image in images}
    monkeypatch.setattr(test_sets, "official_images", lambda: images)
    monkeypatch.setattr(recognize, "_by_digest", lambda: by_digest)


@pytest.fixture
def changed(copy: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a test set, to change."""

    def make(part: str) -> Path:
        return Path(shutil.copytree(copy / part, tmp_path / part))

    return make


@pytest.mark.usefixtures("official")
def test_the_preliminary_set_is_measured_with_the_leaking_subject_and_without(
    copy: Path, tmp_path: Path
) -> None:
    result = ls.evaluate_preliminary(MODEL, copy, out=tmp_path / "out", jobs=1)
    assert result.exit_code == 0
    assert result.without is not None
    cells = [sum(one.cells[k] for k in ("ALL", "HEM")) for one in (result.whole, result.without)]
    assert cells[0] == 16
    assert 0 < cells[1] < 16
    assert result.whole.overlap
    assert not result.without.overlap
    titles = [title for title, _, _ in result.rows()]
    assert titles[1].startswith("Weighted F1")
    written = json.loads((tmp_path / "out" / "preliminary.json").read_text("utf-8"))
    assert written["is_official"]
    assert {one["value"] for one in written["published"]} == {0.925, 0.910, 0.898, 0.913}
    for place in ("report.html", "without-55/report.html", "without-55/predictions.csv"):
        assert (tmp_path / "out" / place).is_file()


@pytest.mark.usefixtures("official")
def test_a_model_of_other_persons_of_the_set_is_refused(copy: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(MODEL, tmp_path / "model.onnx"))
    card = ls.read_card(model)
    persons = {**card.training.persons, "train": (*card.training.persons["train"], "92")}
    sources = {CNMC: (*card.training.sources[CNMC], "92")}
    training = replace(card.training, persons=persons, sources=sources)
    write_card(model, replace(card, training=training))
    with pytest.raises(LeakageError, match="92"):
        ls.evaluate_preliminary(model, copy, out=tmp_path / "out", jobs=1)


@pytest.mark.usefixtures("official")
def test_images_that_are_not_official_are_said_and_end_with_3(
    copy: Path, changed: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = changed(PRELIMINARY)
    shutil.copy(copy / f"{PRELIMINARY}_labels.csv", tmp_path)
    (folder / "3.bmp").unlink()
    Image.new("RGB", (200, 200), (90, 40, 90)).save(folder / "4.bmp")
    arguments = ["evaluate", str(MODEL), "--data", str(tmp_path), "--set", "preliminary"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out"), "--jobs", "1"])
    assert done.exit_code == 3
    assert "preliminary set of 16 images: 1 are missing: 3.bmp" in done.output
    assert "1 have a content that is not official" in done.output
    assert "without subject 55" in done.output
    assert "0.925" in done.output


def test_without_an_official_image_nothing_is_measured(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(CohortError, match=r"none of 16 images .* all 1,867 are missing") as error:
        ls.evaluate_preliminary(MODEL, copy, out=out, jobs=1)
    assert error.value.exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize("content", [[], ["notes.txt"]])
def test_a_folder_without_images_has_no_submission(content: list[str], tmp_path: Path) -> None:
    for name in content:
        (tmp_path / name).write_text("x")
    with pytest.raises(CohortError, match="without images"):
        ls.submission(tmp_path, MODEL, out=tmp_path / "s.zip", jobs=1)
    assert not (tmp_path / "s.zip").exists()


def test_options_that_do_not_go_together(copy: Path) -> None:
    for more in (
        ["--set", "final", "--data", str(copy)],
        ["--set", "preliminary"],
        ["--labels", "x"],
    ):
        assert CliRunner().invoke(app, ["evaluate", str(MODEL), *more]).exit_code == 2


@pytest.mark.usefixtures("official")
def test_a_submission_has_the_order_of_the_numbers(copy: Path, tmp_path: Path) -> None:
    done = ls.submission(copy, MODEL, out=tmp_path / "s.zip", jobs=1)
    assert done.exit_code == 0
    predicted = {Path(p.name).stem: p.p_all for p in ls.predict(copy / FINAL, MODEL)}
    expected = [int((predicted[str(number)] or 0) >= 0.5) for number in range(1, 17)]
    with ZipFile(done.path) as archive:
        text = archive.read("isbi_valid.predict").decode()
    assert [int(line) for line in text.split()] == expected
    assert 0 < sum(expected) < 16
    assert done.counts == {"ALL": sum(expected), "HEM": 16 - sum(expected)}
    assert ls.submission(copy / FINAL, out=done.path, threshold=0.01).counts["ALL"] > sum(expected)
    table = list(csv.DictReader(done.table.read_text("utf-8").splitlines()))
    assert [row["number"] for row in table] == [str(number) for number in range(1, 17)]


@pytest.mark.usefixtures("official")
def test_a_set_that_is_not_whole_has_no_submission(
    changed: Callable[[str], Path], tmp_path: Path
) -> None:
    folder, out = changed(FINAL), tmp_path / "s.zip"
    (folder / "3.bmp").rename(folder / "kept")
    with pytest.raises(CohortError, match=r"missing: 3\.bmp"):
        ls.submission(folder, MODEL, out=out, jobs=1)
    shutil.copy(folder / "4.bmp", folder / "3.bmp")
    with pytest.raises(CohortError, match="content of another image"):
        ls.submission(folder, MODEL, out=out, jobs=1)
    shutil.move(folder / "kept", folder / "3.bmp")
    shutil.copy(folder / "4.bmp", folder / "four.bmp")
    with pytest.raises(CohortError, match="not named by a number"):
        ls.submission(folder, MODEL, out=out, jobs=1)
    assert not out.exists()


@pytest.mark.usefixtures("official")
def test_an_image_without_a_probability_has_no_submission(
    changed: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = changed(FINAL)
    (folder / "2.bmp").write_bytes(b"BM")
    with pytest.raises(CohortError, match=r"1 image has no probability.*2\.bmp"):
        ls.submission(folder, MODEL, out=tmp_path / "s.zip", jobs=1)


@pytest.mark.usefixtures("official")
def test_the_command_says_what_it_wrote(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.zip"
    done = CliRunner().invoke(app, ["submission", str(copy), "--out", str(out), "--json"])
    assert done.exit_code == 0
    facts = json.loads(done.stdout)
    assert facts["ALL"] + facts["HEM"] == facts["images"] == 16
    assert facts["written_to"] == [str(out), str(tmp_path / "s.csv")]
    assert np.isclose(facts["threshold"], 0.5)


def test_wrong_names_are_one_line(copy: Path, tmp_path: Path) -> None:
    for data, options in (
        (copy, {"out": tmp_path / "s.txt"}),
        (copy, {"test_set": "third"}),
        (copy, {"threshold": 2.0}),
        (tmp_path / "absent", {}),
        (copy, {"model": tmp_path / "absent"}),
    ):
        with pytest.raises(ls.LeukoscopeError):
            ls.submission(data, **options)
