"""The modules without a document, called in the browser as the page calls them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from leukoscope.core.values import ConformalThresholds
from leukoscope.inference.verdict import predicted_class
from tests.app.live import Live
from tests.app.page.driver import PATIENCE

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def call(browser: Browser, quick_server: Live) -> Call:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(quick_server.url)
    expect(page.locator("main:not([aria-busy]) h1")).to_be_attached()  # the vocabulary is there

    def run(module: str, function: str, *arguments: object) -> Any:
        return page.evaluate(
            """async ([module, name, given]) => {
                const found = (await import(`/static/${module}.js`))[name];
                const result = found(...given);
                return result instanceof Map ? [...result] : result;
            }""",
            [module, function, arguments],
        )

    run.page = page  # type: ignore[attr-defined]
    return run


def cell(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "name": f"cell{number}.bmp",
        "subject": "",
        "p_all": None,
        "verdict": "normal",
        "flags": [],
        "review": None,
        **changes,
    }


CELLS = [
    cell(1, subject="S10", p_all=0.9, verdict="blast", review={"label": "HEM"}),
    cell(2, subject="S9", p_all=0.1, flags=["no black border"], review={"label": "HEM"}),
    cell(3, verdict="error"),
    cell(4, subject="S9", p_all=0.5, verdict="blast"),
    cell(10, subject="S9", p_all=0.1, verdict="uncertain"),
]
VIEW = {
    "sort": "added",
    "descending": False,
    "verdicts": [],
    "subject": None,
    "flag": "",
    "review": "",
    "low": 0,
    "high": 100,
    "text": "",
}


@pytest.mark.parametrize(
    ("view", "order"),
    [
        ({}, [1, 2, 3, 4, 10]),
        ({"descending": True}, [10, 4, 3, 2, 1]),
        ({"sort": "probability"}, [2, 10, 4, 1, 3]),
        ({"sort": "probability", "descending": True}, [1, 4, 2, 10, 3]),
        ({"sort": "subject"}, [3, 2, 4, 10, 1]),
        ({"sort": "verdict"}, [1, 4, 10, 2, 3]),
        ({"sort": "name", "descending": True}, [10, 4, 3, 2, 1]),
        ({"verdicts": ["blast", "error"]}, [1, 3, 4]),
        ({"subject": "S9"}, [2, 4, 10]),
        ({"subject": ""}, [3]),
        ({"flag": "no black border"}, [2]),
        ({"flag": "none"}, [1, 3, 4, 10]),
        ({"review": "open"}, [3, 4, 10]),
        ({"review": "done"}, [1, 2]),
        ({"review": "corrected"}, [1]),
        ({"low": 10, "high": 50}, [2, 4, 10]),
        ({"low": 1}, [1, 2, 4, 10]),
        ({"text": " s9 "}, [2, 4, 10]),
        ({"text": "CELL10"}, [10]),
        ({"text": "x", "verdicts": ["blast"]}, []),
    ],
)
def test_cells_are_sorted_and_filtered(
    call: Call, view: dict[str, object], order: list[int]
) -> None:
    assert [one["id"] for one in call("case/filter", "filterAndSort", CELLS, VIEW | view)] == order


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "not given"),
        ({"probability": 0.9, "low": 0.5, "high": 0.95, "blasts": None}, "too few cells"),
        ({"probability": 0.9, "low": 0.5, "high": 0.95, "blasts": 1}, "0.90 (95 % 0.50 to 0.95)"),
    ],
)
def test_the_table_tells_a_model_without_answers_for_subjects_from_too_few_cells(
    call: Call, answer: dict[str, object] | None, words: str
) -> None:
    counts = {"fraction": None, "blasts": 0, "cells": 1, "not_answered": 1}
    subject = {"summary": {"subject": "7", "answer": answer, **counts}, "cells": [], "mean": None}
    assert call("answer/answertable", "row", subject)["probabilityText"] == words


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({}, "0 cells"),
        ({"blast": 1, "error": 0}, "1 cell"),
        ({"blast": 1, "uncertain": 2, "not a cell": 1}, "3 cells and 1 other file"),
        ({"error": 2}, "2 other files"),
    ],
)
def test_files_that_are_no_cells_are_not_counted_as_cells(
    call: Call, verdicts: dict[str, int], words: str
) -> None:
    assert call("case/contents", "contentsOfVerdicts", verdicts) == words
    images = [cell(1, verdict=verdict) for verdict, n in verdicts.items() for _ in range(n)]
    assert call("case/contents", "contentsOf", images) == words


def test_sentences_in_a_list_have_one_full_stop(call: Call) -> None:
    assert (
        call("lib/format", "joined", ["Copy it again.", None, "", "x..."]) == "Copy it again, x..."
    )


def test_pictures_are_finished_in_their_own_case_only(call: Call) -> None:
    """Ids of cells begin again in each database, and a page may have seen two of them."""
    page = call.page
    left = page.evaluate(
        """async () => {
            const { finish, fieldsNotice } = await import("/static/field/fieldsnotice.js");
            const picture = { id: 1, flags: ["no black border"] };
            const [one, two] = [1, 2].map(() => ({ cells: new Map([[1, picture]]) }));
            finish(one, 1);
            return [one, two].map((file) => Boolean(fieldsNotice(file)));
        }"""
    )
    assert left == [False, True]


def names(*paths: str, subject: str = "") -> list[dict[str, object]]:
    return [cell(number, name=path, subject=subject) for number, path in enumerate(paths, 1)]


@pytest.mark.parametrize(
    ("cells", "folders"),
    [
        (names("s/p1/1.png", "s/p1/2.png", "s/p2/1.png"), {"p1": [1, 2], "p2": [3]}),
        (names("ALL/p1/1.png", "HEM/p2/1.png", "HEM/p3/1.png"), {"p1": [1], "p2": [2], "p3": [3]}),
        (names("p1/ALL/1.png", "p2/ALL/1.png", "p3/HEM/1.png"), {"p1": [1], "p2": [2], "p3": [3]}),
        (
            names("s/ALL/1/a.png", "s/ALL/2/a.png", "s/HEM/1/a.png"),
            {"ALL/1": [1], "ALL/2": [2], "HEM/1": [3]},
        ),
        (names("z.zip/p1/1.png", "z.zip/p2/1.png", "loose.png"), {"p1": [1], "p2": [2]}),
        (names("s/1.png", "s/2.png"), {}),
        (names("1.png", "2.png"), {}),
        (names("s/p1/1.png", "s/p2/1.png", subject="7"), {}),
        ([], {}),
    ],
)
def test_cells_without_a_subject_are_grouped_by_the_folder_of_a_person(
    call: Call, cells: list[dict[str, object]], folders: dict[str, list[int]]
) -> None:
    assert dict(call("case/folders", "cellsByFolder", cells)) == folders


def test_verdicts_are_counted_among_what_the_other_filters_let_through(call: Call) -> None:
    view = VIEW | {"subject": "S9", "verdicts": ["error"]}
    counts = dict(call("case/filter", "countVerdicts", CELLS, view))
    assert counts == {"normal": 1, "blast": 1, "uncertain": 1}


def test_choices_are_in_natural_order_with_none_last(call: Call) -> None:
    found = call("case/filter", "choices", CELLS)
    assert found == {
        "subjects": [["S9", 3], ["S10", 1], ["", 1]],
        "flags": [["no black border", 1]],
    }


def upload(name: str, size: int) -> dict[str, object]:
    return {"name": name, "file": {"size": size}}


def test_requests_are_bounded_by_count_and_bytes_and_archives_go_alone(call: Call) -> None:
    files = [upload(f"c{n}.bmp", 10) for n in range(12, 0, -1)]
    files += [upload("big.bmp", 900), upload("a.zip", 5), upload("huge.bmp", 5000)]
    dealt = call("upload/batches", "batches", files, 5, 1000)
    names = [[one["name"] for one in request] for request in dealt]
    assert names == [
        ["c12.bmp", "c11.bmp", "c10.bmp", "c9.bmp", "c8.bmp"],
        ["c7.bmp", "c6.bmp", "c5.bmp", "c4.bmp", "c3.bmp"],
        ["c2.bmp", "c1.bmp", "big.bmp"],
        ["a.zip"],
        ["huge.bmp"],
    ]


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["smear 7/a.bmp", "smear 7/day 2/b.bmp"], "smear 7"),
        (["march.ZIP"], "march"),
        (["a/1.bmp", "b/1.bmp", "c.zip"], "a and 2 more"),
        (["a/1.bmp", "loose.bmp"], None),
        (["loose.bmp"], None),
    ],
)
def test_a_case_is_named_after_its_folder_or_archive(
    call: Call, names: list[str], title: str | None
) -> None:
    found = call("upload/casename", "caseName", [upload(name, 1) for name in names], 0)
    assert found == (title or "1 Jan 1970, 00:00") or (title is None and "1970" in found)


HEADS = [
    {
        "id": name,
        "name": f"Case {name}",
        "notes": notes,
        "model": "tiny",
        "updated": f"2026-01-0{day}",
        "created": f"2026-01-0{9 - day}",
        "verdicts": {"blast": cells, "normal": 1},
        "reviewed": reviewed,
        "subjects": [{"subject": f"S{name}"}],
    }
    for name, notes, day, cells, reviewed in (
        ("2", "", 3, 4, 5),
        ("10", "old smear", 2, 3, 0),
        ("1", "", 1, 9, 8),
    )
]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("updated", ["2", "10", "1"]),
        ("created", ["1", "10", "2"]),
        ("name", ["1", "2", "10"]),
        ("cells", ["1", "2", "10"]),
        ("open", ["10", "1", "2"]),
    ],
)
def test_cases_are_sorted(call: Call, order: str, ids: list[str]) -> None:
    assert [one["id"] for one in call("home/caseorder", "inOrder", HEADS, order)] == ids


@pytest.mark.parametrize(
    ("text", "ids"), [("", ["2", "10", "1"]), ("SMEAR case", ["10"]), ("s2", ["2"]), ("x", [])]
)
def test_cases_are_found_by_name_notes_and_subject(call: Call, text: str, ids: list[str]) -> None:
    assert [one["id"] for one in call("home/caseorder", "chosen", HEADS, text)] == ids


def test_reviews_are_counted_beside_the_verdicts_of_the_model(call: Call) -> None:
    cells = [
        cell(1, verdict="blast", review={"label": "ALL"}),
        cell(2, verdict="blast", review={"label": "HEM"}),
        cell(3, verdict="uncertain", review={"label": "HEM"}),
        cell(4, review={"label": "monocyte"}),
        cell(5),
        cell(6, verdict="error"),
    ]
    counts = call("answer/figures", "reviewCounts", cells)
    assert counts == {
        "blasts": 1,
        "normal": 2,
        "other": 1,
        "open": 1,
        "compared": 2,
        "agreed": 1,
    }
    words = call("answer/words", "reviewWords", counts)
    assert "1 of 3 blasts, 1 with another label, 1 open" in words
    assert "1 of 2 cells" in call("answer/words", "agreementWords", counts)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a/b.BMP", True),
        ("a/b.zip", True),
        ("a/b.txt", False),
        ("a/.b.bmp", False),
        (".git/b.bmp", False),
        ("__MACOSX/b.bmp", False),
        ("a/Thumbs.db", False),
    ],
)
def test_what_is_taken_from_a_folder(call: Call, path: str, wanted: bool) -> None:
    assert call("upload/batches", "isWantedInFolder", path) is wanted


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("x/UID_H10_3_1_hem.bmp", "H10"),
        ("UID_57_3_1_all.png", "57"),
        ("UID_57_3_1_none.png", ""),
        ("cell.png", ""),
    ],
)
def test_the_subject_of_an_official_name(call: Call, path: str, subject: str) -> None:
    assert call("upload/batches", "subjectOf", path) == subject


def test_waits_double_up_to_a_bound_unless_the_server_says_how_long(call: Call) -> None:
    waits = [call("upload/batches", "waitSeconds", tries) for tries in range(1, 7)]
    assert waits == [1, 2, 4, 8, 15, 15]
    assert call("upload/batches", "waitSeconds", 5, 3) == 3
    assert call("upload/batches", "waitSeconds", 1, 1e9) == 60


def test_histogram_counts_every_probability_once(call: Call) -> None:
    values = [0, 0.05, 0.0999, 0.1, 0.5, 0.999, 1, None]
    assert call("case/plotdata", "histogram", values, 10) == [3, 1, 0, 0, 0, 1, 0, 0, 0, 2]


def test_the_curve_is_read_between_its_values(call: Call) -> None:
    curve = {"sensitivity": [1, 0.5, 0], "specificity": [0, 0.8, 1]}
    assert call("case/plotdata", "expectedAt", curve, 0.25) == {
        "sensitivity": 0.75,
        "specificity": 0.4,
    }
    assert call("case/plotdata", "expectedAt", curve, 1) == {"sensitivity": 0, "specificity": 1}


@pytest.mark.parametrize("limits", [None, (0.25, 0.75), (0.75, 0.25), (0.5, 0.9)])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
def test_performance_is_that_of_the_answers_the_server_gives(
    call: Call, limits: tuple[float, float] | None, threshold: float
) -> None:
    """Cells between the grid points of the curve, so that its values are exact."""
    blasts, normal = [0.12, 0.33, 0.61, 0.66, 0.97], [0.02, 0.11, 0.28, 0.57, 0.83]
    grid = [k / 20 for k in range(21)]
    curve = {
        "sensitivity": [sum(p >= t for p in blasts) / 5 for t in grid],
        "specificity": [sum(p < t for p in normal) / 5 for t in grid],
    }
    possible = limits and ConformalThresholds(*limits)

    def answers(cells: list[float]) -> list[str]:
        found = [str(predicted_class(p, threshold, possible).verdict) for p in cells]
        return [verdict for verdict in found if verdict != "uncertain"]

    found = call("case/plotdata", "answeredAt", curve, threshold, possible and asdict(possible))
    for kind, word, cells in (("sensitivity", "blast", blasts), ("specificity", "normal", normal)):
        given = answers(cells)
        expected = given.count(word) / len(given) if given else None
        assert found[kind] == (expected and pytest.approx(expected)) or not given
        answered = found["blasts" if kind == "sensitivity" else "normal"]
        assert answered == pytest.approx(len(given) / 5)


def test_the_number_of_an_image_that_is_no_cell_is_neither_sorted_nor_filtered_by(
    call: Call,
) -> None:
    cells = [cell(1, p_all=0.2), cell(2, p_all=0.99, verdict="not a cell"), cell(3, p_all=0.9)]
    ordered = call("case/filter", "filterAndSort", cells, VIEW | {"sort": "probability"})
    assert [one["id"] for one in ordered] == [1, 3, 2]
    kept = call("case/filter", "filterAndSort", cells, VIEW | {"low": 50})
    assert [one["id"] for one in kept] == [3]


LIMITS = [None, (0.3, 0.6), (0.6, 0.3), (0.8, 0.9), (0.5, 0.5)]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.85, 1.0])
def test_the_page_calls_cells_as_the_server_does(
    call: Call, limits: tuple[float, float] | None, threshold: float
) -> None:
    possible = limits and ConformalThresholds(*limits)
    given = possible and asdict(possible)
    for p in (0.0, 0.2999, 0.3, 0.45, 0.5, 0.6, 0.6001, 0.8, 0.9, 1.0):
        expected = str(predicted_class(p, threshold, possible).verdict)
        assert call("case/plotdata", "verdictAt", p, threshold, given) == expected, p


def test_verdicts_are_counted_and_the_zone_reaches_to_the_threshold(call: Call) -> None:
    limits = {"all_from": 0.3, "hem_to": 0.6}
    counts = call("case/plotdata", "countVerdictsAt", [0.1, 0.3, 0.7, 0.8, 0.95], 0.9, limits)
    assert counts == {"blast": 1, "normal": 1, "uncertain": 3}
    assert call("case/plotdata", "uncertainRange", 0.9, limits) == [0.3, 0.9]
    assert call("case/plotdata", "uncertainRange", 0.5, limits) == [0.3, 0.6]
    assert call("case/plotdata", "uncertainRange", 0.5, None) == [0.5, 0.5]


def test_heat_is_symmetric_around_nothing(call: Call) -> None:
    assert call("cell/heatmap", "heatColor", 0, 10)[3] == 0
    plus, minus = (
        call("cell/heatmap", "heatColor", 5, 10),
        call("cell/heatmap", "heatColor", -5, 10),
    )
    assert plus[3] == minus[3] == 128
    assert plus[0] > plus[2]
    assert minus[2] > minus[0]
    assert call("cell/heatmap", "heatColor", 99, 10)[3] == 255


@pytest.mark.parametrize(
    ("p", "words"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.304, "30 %"), (0.9999, "> 99 %"), (1, "100 %"), (None, "")],
)
def test_only_a_certain_probability_is_0_or_100(call: Call, p: float | None, words: str) -> None:
    assert call("lib/format", "percent", p) == words.replace(" ", "\u00a0")


def test_addresses_name_a_view(call: Call) -> None:
    assert call("lib/router", "parse", "#/case/a%20b") == {"view": "case", "id": "a b"}
    assert call("lib/router", "parse", "#/model") == {"view": "model", "id": ""}
    assert call("lib/router", "parse", "#/nowhere/at/all") == {"view": "home", "id": ""}
    assert call("lib/router", "parse", "#/case/%E0%A4%A") == {"view": "case", "id": "%E0%A4%A"}


@pytest.mark.parametrize(("part", "persons"), [("validation", 3), ("cross-validation", 31)])
def test_persons_are_described_by_number_and_subset(call: Call, part: str, persons: int) -> None:
    text = call("lib/format", "describePersons", {"part": part, "persons": persons})
    assert str(persons) in text
    assert part in text
