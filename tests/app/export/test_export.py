"""A case as a table and as data."""

import csv
import io
import json
from dataclasses import astuple
from datetime import UTC, datetime

import pytest

from leukoscope import __version__
from leukoscope.app.export.export import (
    COLUMNS,
    MEASURES,
    SUBJECT_COLUMNS,
    case_csv,
    export,
    json_bytes,
    opens_in_excel,
)
from leukoscope.app.export.review_counts import review_counts
from leukoscope.app.export.subjects_csv import REVIEW_COLUMNS, subjects_csv
from leukoscope.app.schemas import Case, CaseExport
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.spreadsheet import guard, unguard
from leukoscope.core.tables import read_table
from leukoscope.inference.results import FIELDS
from leukoscope.inference.subject.table import SUBJECT_FIELDS
from tests.app.made_case import HOSTILE, Made, everything, made_case

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> Made:
    return everything()


def rows(made: Made) -> list[dict[str, str]]:
    text = b"".join(case_csv(made.case)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_has_the_columns_of_predict_and_the_review(made: Made) -> None:
    first, *_ = table = rows(made)
    assert tuple(first) == (
        *FIELDS,
        *("sha256", "threshold", "review", "reviewer", "reviewed", "note"),
        *SUBJECT_COLUMNS,
        *MEASURES,
    )
    assert [row["verdict"] for row in table] == ["blast", "normal", "normal", "error", "not a cell"]
    assert [row["review"] for row in table] == ["ALL", "HEM", "not a cell", "", ""]
    cell = made.cell("UID_7_1_1_all.bmp")
    assert cell.review is not None
    assert first["path"] == cell.name
    assert (float(first["p_all"]), float(first["logit"])) == (cell.p_all, cell.logit)
    assert (first["sha256"], float(first["threshold"])) == (cell.sha256, cell.threshold)
    assert (first["reviewer"], first["note"]) == ("Ada", "seen")
    assert datetime.fromisoformat(first["reviewed"]) == cell.review.created
    assert (table[3]["p_all"], table[3]["reviewed"]) == ("", "")


def test_the_table_is_read_by_leukoscope_itself(made: Made, tmp_path: object) -> None:
    path = tmp_path / "case.csv"  # type: ignore[operator]
    path.write_bytes(b"".join(case_csv(made.case)))
    table = read_table(path)
    assert list(table["p_all"][:3]) == [0.9, 0.2, 0.1 + 0.2]
    assert list(table["path"])[2] == "ünïcödé, 細胞.bmp"


def test_no_text_in_the_table_is_a_formula(made: Made) -> None:
    table = rows(made)
    assert table[1]["path"] == f"'{HOSTILE}"
    assert table[1]["subject"] == "'=7"
    assert table[3]["reason"] == "'@not an image"
    for row in table:
        for name in set(COLUMNS) - {"p_all", "logit", "threshold"}:
            assert guard(unguard(row[name])) == row[name]
    assert rows(made_case([({"logit": -2.5}, None)]))[0]["logit"] == "-2.5"


def test_data_are_the_case_and_who_wrote_it(made: Made) -> None:
    data = json.loads(json_bytes(made.case, NOW))
    assert data.pop("software") == f"leukoscope {__version__}"
    assert data.pop("exported") == "2026-03-04T05:06:00Z"
    assert data["notice"] == RESEARCH_USE
    assert Case.model_validate(data) == made.case
    CaseExport.model_validate_json(json_bytes(made.case, NOW))


def test_measurements_are_in_the_table_and_stay_with_the_case() -> None:
    made = made_case([({"features": {"area": 900.5, "hue": None}}, None), ({}, None)])
    assert made.case.cells[0].features == {"area": 900.5, "hue": None}
    one, two = rows(made)
    assert (one["measured_area"], one["measured_hue"], one["measured_width"]) == ("900.5", "", "")
    assert {two[name] for name in MEASURES} == {""}


def test_a_table_in_several_parts_is_one() -> None:
    made = made_case([({"name": f"cell {number}"}, None) for number in range(3)])
    case = made.case.model_copy(update={"cells": made.case.cells * 400})
    parts = list(case_csv(case))
    assert len(parts) == 3
    assert [row["path"] for row in rows(Made(case))] == ["cell 0", "cell 1", "cell 2"] * 400


@pytest.mark.parametrize(
    ("kind", "suffix", "media_type"),
    [
        ("csv", ".csv", "text/csv; charset=utf-8"),
        ("subjects", " - subjects.csv", "text/csv; charset=utf-8"),
        ("json", ".json", "application/json"),
        ("html", ".html", "text/html; charset=utf-8"),
        ("cohort", ".zip", "application/zip"),
    ],
)
def test_every_kind_has_its_name_and_type(
    made: Made, kind: str, suffix: str, media_type: str
) -> None:
    one = export(kind, made.case, made.load, None)  # type: ignore[arg-type]
    assert one.filename == f"{made.case.name}{suffix}"
    assert one.media_type == media_type
    assert b"".join(one.content)


def test_subjects_have_the_columns_of_predict_and_their_reviews(made: Made) -> None:
    text = b"".join(subjects_csv(made.case)).decode()
    table = {row["subject"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert tuple(table["7"]) == (*SUBJECT_FIELDS, *REVIEW_COLUMNS)
    assert set(table) == {unguard(one.subject) and guard(one.subject) for one in made.case.subjects}
    seven = table["7"]
    assert (seven["review_blasts"], seven["review_compared"], seven["review_agreed"]) == ("1",) * 3
    assert (table["10"]["review_open"], table[""]["review_open"]) == ("1", "0")  # broken file


def test_reviews_are_counted_beside_the_verdicts() -> None:
    made = made_case(
        [
            ({"p_all": 0.9, "subject": "7"}, "ALL"),
            ({"p_all": 0.9, "subject": "7"}, "HEM"),
            ({"p_all": 0.1, "subject": "7"}, "HEM"),
            ({"p_all": 0.1, "subject": "7"}, "not a cell"),
            ({"p_all": 0.1, "subject": "7"}, None),
            ({"p_all": None, "subject": "7"}, None),
        ]
    )
    counts = review_counts(made.case.cells)["7"]
    assert astuple(counts) == (1, 2, 1, 1, 3, 2)
    assert "1 of 3 blasts, 1 with another label, 1 open" in counts.text()


def test_an_empty_case_has_a_table_and_data() -> None:
    made = made_case([])
    assert rows(made) == []
    assert json.loads(json_bytes(made.case, NOW))["cells"] == []


def test_a_case_opens_in_excel_as_utf_8():
    assert b"".join(opens_in_excel(iter([b"a", b"b"]))) == b"\xef\xbb\xbfab"
