"""A page says the same as Markdown and as HTML, whatever its text holds."""

from pathlib import Path

import pytest

from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError
from leukoscope.modelcard.blocks import Bullets, Heading, Page, Paragraph, Table, to_html, write

HOSTILE = "<b>a_b*c|d [x](y)</b>"
PAGE = Page(
    "Title",
    (
        Heading("First"),
        Paragraph("Beware", warning=True),
        Paragraph(HOSTILE),
        Bullets(("one", HOSTILE)),
        Table(("head", "two"), (("cell\nof two lines", HOSTILE),)),
    ),
)


def test_markdown(tmp_path: Path) -> None:
    text = write(PAGE, tmp_path / "page.md").read_text()
    assert text.startswith(f"# Title\n\n**{RESEARCH_USE}**\n\n## First\n\n**Beware**\n")
    row = next(line for line in text.splitlines() if line.startswith("| cell"))
    assert row.startswith("| cell of two lines | ")
    assert row.replace("\\|", "").count("|") == 3
    assert "\\<b\\>a\\_b\\*c" in text


def test_html_escapes_and_needs_nothing_else(tmp_path: Path) -> None:
    text = write(PAGE, tmp_path / "page.html").read_text()
    assert "&lt;b&gt;a_b*c|d" in text
    assert "<b>a_b" not in text
    assert text.count("<li>") == 2
    assert 'role="alert">Beware' in text
    assert RESEARCH_USE in text
    assert "http" not in to_html(Page("Empty", ()))


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        LeukoscopeError, match=r"page\.txt: the page must be an \.html or \.md file"
    ):
        write(PAGE, tmp_path / "page.txt")
    assert not list(tmp_path.iterdir())
