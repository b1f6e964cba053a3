"""A page as headings, paragraphs, lists and tables, written as Markdown or as HTML."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import write_text


@dataclass(frozen=True)
class Heading:
    """A section heading; level 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text, shown as a warning if `warning` is set."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Bullets | Table


@dataclass(frozen=True)
class Page:
    """A page: its title and its blocks."""

    title: str
    blocks: tuple[Block, ...]


def write(page: Page, path: Path) -> Path:
    """Write a page, in the format of the file name's suffix.

    Raises:
        LeukoscopeError: The name ends in neither .html nor .md.
    """
    writers = {".md": to_markdown, ".html": to_html}
    kind = writers.get(path.suffix.lower())
    if kind is None:
        raise LeukoscopeError(
            f"{path}: the page must be an .html or .md file; name one with --out."
        )
    write_text(path, kind(page))
    return path


def to_markdown(page: Page) -> str:
    """The page as Markdown, with the notice of research use below its title."""
    from leukoscope.core.errors import RESEARCH_USE

    parts = [f"# {_escaped(page.title)}", f"**{RESEARCH_USE}**"]
    parts += [_block_as_markdown(block) for block in page.blocks]
    return "\n\n".join(parts) + "\n"


def to_html(page: Page) -> str:
    """The page as one self-contained HTML file."""
    from markupsafe import Markup

    from leukoscope.core import html

    parts = []
    for block in page.blocks:
        match block:
            case Heading(text, level):
                parts.append(html.heading(text, level))
            case Paragraph(text, warning):
                parts.append(html.note(text, "warning") if warning else html.paragraph(text))
            case Bullets(items):
                lines = Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
                parts.append(Markup("<ul>{}</ul>").format(lines))
            case Table(headers, rows):
                parts.append(html.table(headers, rows))
    return html.page(page.title, parts)


def _block_as_markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text, warning):
            return f"**{_escaped(text)}**" if warning else _escaped(text)
        case Bullets(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Table():
            return markdown_table(block)


def markdown_table(table: Table) -> str:
    """A table as Markdown."""
    lines = [_row(table.headers), "|" + "---|" * len(table.headers), *map(_row, table.rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str] | Iterable[str]) -> str:
    return "| " + " | ".join(_escaped(cell).replace("|", "\\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Text on one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", " ".join(text.split()))
