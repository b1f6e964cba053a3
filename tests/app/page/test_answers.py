"""The answers for subjects, which open a case: a few in words on a strip, many in a table."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.page.access import fits, violations
from tests.app.page.conftest import LEFT_OUT, OpenDesk

pytestmark = pytest.mark.slow(15)


def of_subject(cells: list[Path], *numbers: int) -> list[Path]:
    """The cells of the subjects with these places in the list of subjects."""
    subjects = sorted({cell.name.split("_")[1] for cell in cells})
    return [cell for cell in cells if cell.name.split("_")[1] in [subjects[n] for n in numbers]]


def test_a_case_opens_with_the_answer_among_the_persons_of_the_study(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk(viewport={"width": 320, "height": 800})
    at.add(of_subject(cells, 3)[:6] + of_subject(cells, 5)[:3])
    panel = at.page.locator(".answers")
    expect(panel.locator(".subject-answer")).to_have_count(2)
    for line in panel.locator(".subject-answer").all():
        expect(line).to_contain_text("No statement about a patient.")
    expect(panel.locator(".subjects li").nth(1)).to_contain_text("at least 5 are needed")
    # Too few cells are not drawn.
    expect(panel.locator(".subjects .strip")).to_have_count(1)
    strip = panel.locator(".subjects .strip").first
    expect(strip.locator(".strip-healthy .strip-person")).to_have_count(2)
    expect(strip.locator(".strip-leukemic .strip-person")).to_have_count(3)
    expect(strip.locator(".strip-subject")).to_be_visible()
    body = at.page.request.get(f"{at.url}/v1/cases/{at.case}").json()
    first = body["subjects"][0]["subject"]
    p = [cell["p_all"] for cell in body["cells"] if cell["subject"] == first]
    mean = sum(p) / len(p)
    above = sum(one.label == "HEM" and one.mean_p >= mean for one in LEFT_OUT)
    below = sum(one.label == "ALL" and one.mean_p <= mean for one in LEFT_OUT)
    expect(panel.locator(".subjects li").first).to_contain_text(
        f"Mean {mean:.2f}: {above} of 2 healthy persons had a mean at least as high, {below} of 3"
    )
    at.cards.first.locator(".open").focus()
    at.page.keyboard.press("b")
    expect(panel.locator(".by-review").first).to_contain_text("1 of 1 blasts, 5 open")
    at.dismiss()
    for _ in at.screens():
        expect(strip.locator(".strip-subject")).to_be_visible()
        # Before the cells, also on a phone.
        assert at.page.evaluate(
            "document.querySelector('.answers').getBoundingClientRect().bottom"
            " <= document.querySelector('.work').getBoundingClientRect().top"
        )
        assert fits(at)
    assert violations(at) == []


def test_many_subjects_are_a_table_to_sort_search_and_save(
    desk: OpenDesk, cells: list[Path]
) -> None:
    at = desk(viewport={"width": 390, "height": 800})
    at.add(of_subject(cells, 0, 1, 2)[:24] + of_subject(cells, 3, 4, 5, 6)[::6])
    panel = at.page.locator(".answers")
    rows = panel.locator("tbody tr")
    expect(rows).not_to_have_count(0)
    number = rows.count()
    assert number > 4
    names = rows.locator("th").all_inner_texts()
    panel.get_by_role("button", name="Subject").click()
    expect(panel.locator("th[aria-sort=descending]")).to_contain_text("Subject")
    assert rows.locator("th").all_inner_texts() == names[::-1]
    panel.get_by_role("button", name="Mean p(ALL)").click()
    means = [float(text) for text in rows.locator("td:nth-child(6)").all_inner_texts() if text]
    assert means == sorted(means, reverse=True)
    assert fits(at)
    with at.page.expect_download() as caught:
        panel.get_by_role("link", name="Save as CSV").click()
    text = Path(caught.value.path()).read_text("utf-8-sig")
    assert {row["subject"] for row in csv.DictReader(io.StringIO(text))} == set(names)
    panel.get_by_role("searchbox").fill(names[0])
    wanted = [name for name in names if names[0].lower() in name.lower()]
    expect(rows).to_have_count(len(wanted))
    expect(panel.get_by_role("status")).to_contain_text(f"{len(wanted)} of {number} subjects")
    rows.first.get_by_role("button").click()
    expect(at.page.locator(".shown")).to_contain_text("of")
