"""The report of a case: complete, self-contained, safe, and made without a plotting library."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from leukoscope import __version__
from leukoscope.app.export import report as module
from leukoscope.app.export.report import report
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.values import ConformalThresholds
from leukoscope.core.verdicts import FROM_PROBABILITY, Verdict
from tests.app.made_case import HOSTILE, Made, everything, made_case
from tests.inference.tiny_model import tiny_card
from tests.root import ROOT

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> Made:
    return everything()


@pytest.fixture(scope="module")
def page(made: Made) -> str:
    return report(made.case, NOW, made.load, tiny_card())


def seen(page: str) -> str:
    """The text of a page, as read."""
    parts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = parts.append  # type: ignore[method-assign]
    parser.feed(page.partition("<body>")[2])
    return " ".join(" ".join(parts).split())


def test_a_report_says_what_when_by_what_and_on_which_files(made: Made, page: str) -> None:
    text, case = seen(page), made.case
    for words in (
        RESEARCH_USE,
        "2026-03-04 05:06 UTC",
        f"leukoscope {__version__}",
        f"{case.model}, sha256 {case.model_sha256}",
        "blast from 0.4000",
        "Operating point",
        "temperature 1.5",
        module.LIMITS,
        *(one.sentence for one in case.subjects),
        *(cell.sha256 for cell in case.cells),
        "0.9000",
        "@not an image",
        "no black border",
    ):
        assert words in text, words
    assert text.count("Ada") == 3


def test_verdicts_stand_against_reviews(page: str) -> None:
    table = page.partition("Verdicts of the model")[2].partition("</table>")[0]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>.*?</tr>", table)]
    assert rows[1:] == [
        ["blast", "1", "1", "0", "0", "0"],
        ["normal", "2", "0", "1", "1", "0"],
        ["not a cell", "1", "0", "0", "0", "1"],
        ["error", "1", "0", "0", "0", "1"],
    ]


def test_a_report_loads_nothing_and_runs_nothing(page: str) -> None:
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert not re.search(r"\son[a-z]+=", page.replace(HOSTILE, ""))


def test_pictures_are_there_where_images_are_kept(made: Made, page: str) -> None:
    assert page.count("data:image/webp") == 4  # of five cells one is no image
    forgotten = made_case([({}, None)], keep_images=False)
    assert "<img" not in report(forgotten.case, NOW, forgotten.load, None)


def test_only_so_many_pictures(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 2)
    page = report(made.case, NOW, made.load, None)
    assert page.count("data:image/webp") == 2
    assert re.search(r"\b2 of 4\b", page)
    assert all(cell.sha256 in page for cell in made.case.cells)


def test_an_image_that_is_no_cell_has_no_number(made: Made) -> None:
    cells = [one.model_copy(update={"p_all": 0.98765}) for one in made.case.cells]
    case = made.case.model_copy(update={"cells": cells})
    text = report(case, NOW, made.load, None)
    usable = sum(one.verdict in FROM_PROBABILITY for one in cells)
    assert 0 < usable < len(cells)
    assert text.count("0.9877") == usable


def test_a_threshold_of_the_case_is_said_and_drawn(made: Made) -> None:
    case = made.case.model_copy(update={"threshold": 0.75, "own_threshold": True})
    page = report(case, NOW, made.load, None)
    assert "blast from 0.7500" in page
    assert "threshold 0.7500" in page


def test_another_model_is_not_described_as_the_case_s(made: Made) -> None:
    text = seen(report(made.case, NOW, made.load, None))
    assert made.case.model_sha256 in text
    assert "Operating point" not in text


def test_an_empty_case_and_one_without_answers() -> None:
    empty = made_case([])
    text = seen(report(empty.case, NOW, empty.load, None))
    assert empty.case.name in text
    failed = made_case([({"p_all": None}, None)])
    page = report(failed.case, NOW, failed.load, None)
    assert failed.case.subjects[0].sentence in page
    assert "<svg" not in page


def test_a_report_needs_no_plotting_library() -> None:
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'cv2', 'torch', 'scipy', 'sklearn'): sys.modules[name] = None\n"
        "from tests.app.export.test_report import *\n"
        "made = everything()\n"
        "assert '<svg' in report(made.case, NOW, made.load, None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_is_not_answered_is_said_and_drawn() -> None:
    made = made_case(
        [
            ({"p_all": 0.2}, None),
            ({"p_all": 0.5, "verdict": Verdict.UNCERTAIN, "reason": "fits both"}, None),
            ({"p_all": 0.9}, None),
            ({"p_all": 0.7, "verdict": Verdict.NOT_A_CELL, "reason": "blurred"}, None),
        ],
        possible=ConformalThresholds(0.3, 0.6),
    )
    page = report(made.case, NOW, made.load, None)
    assert "blast from 0.6000, normal below 0.3000, uncertain between" in page
    assert re.search(r"\b1 of 2\b", page)
    assert "1 uncertain, 1 not a cell" in page
    assert 'class="zone"' in page
    # What is no cell has no place in the distribution.
    assert "2 of 3 cells" in page
    bold = everything()
    assert 'class="zone"' not in report(bold.case, NOW, bold.load, None)


def test_a_report_says_first_how_many_cells_were_seen_in_training(made: Made, page: str) -> None:
    assert "SEEN IN TRAINING" not in page
    first, *rest = made.case.cells
    flagged = first.model_copy(update={"flags": [*first.flags, "seen in training"]})
    case = made.case.model_copy(update={"cells": [flagged, *rest]})
    text = seen(report(case, NOW, made.load, tiny_card()))
    assert f"SEEN IN TRAINING: 1 of {len(case.cells)} images" in text
    assert text.index("SEEN IN TRAINING") < text.index("Predictions by subject")
