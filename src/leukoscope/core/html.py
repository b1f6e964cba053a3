"""Self-contained HTML pages: the elements that every report and summary is built from.

All text is escaped by MarkupSafe, and images are embedded, so that one file can be mailed. The
frame and its style are in page.html. Only `figure` needs the train extra.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(title: str, parts: Iterable[Markup], *, subtitle: str = "") -> str:
    """A whole page with the research-use notice in its frame."""
    source = resources.files("leukoscope.core").joinpath("page.html").read_text("utf-8")
    return Template(source).substitute(
        title=escape(title),
        subtitle=escape(subtitle),
        parts=Markup("\n").join(parts),
        research_use=escape(RESEARCH_USE),
    )


def write_page(
    path: Path | str, title: str, parts: Iterable[Markup], *, subtitle: str = ""
) -> Path:
    """Write `page(...)` atomically and return its path."""
    write_text(path, page(title, parts, subtitle=subtitle))
    return Path(path)


def heading(text: str, level: int = 2) -> Markup:
    """A heading of level 2 or 3."""
    return Markup("<h{0}>{1}</h{0}>").format(int(level), text)


def paragraph(text: str) -> Markup:
    """A paragraph; pass Markup to keep tags inside."""
    return Markup("<p>{}</p>").format(text)


def note(text: str, kind: str = "info") -> Markup:
    """A highlighted box; `kind` is "info" or "warning"."""
    role = Markup(' role="alert"') if kind == "warning" else ""
    return Markup('<div class="note {}"{}>{}</div>').format(kind, role, text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """A table; cells are escaped unless they are Markup.

    It scrolls sideways in a region that the keyboard reaches and a screen reader names.
    """
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in headers)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(v) for v in row))
        for row in rows
    )
    title = Markup("<caption>{}</caption>").format(caption) if caption else Markup("")
    return Markup(
        '<div class="scroll" role="region" aria-label="{}" tabindex="0">'
        "<table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(caption or f"Table: {', '.join(filter(None, headers))}", title, head, body)


def notebook_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A titled table with the research-use notice, for the `_repr_html_` of an object."""
    return str(paragraph(title) + table(headers, rows) + paragraph(RESEARCH_USE))


def figure(drawing: "Figure", caption: str = "", alt: str = "") -> Markup:
    """A Matplotlib figure as an embedded PNG."""
    from leukoscope.core import plot_style

    return _picture(plot_style.to_png(drawing), "png", caption, alt or caption)


def image_grid(
    images: Iterable[tuple[np.ndarray, str]], caption: str = "", size: int = 96
) -> Markup:
    """Small images side by side, each with a caption.

    Args:
        images: uint8 arrays (H, W, 3), each with a caption.
        caption: Text below the grid.
        size: Width of each image in CSS pixels; stored at twice that for high-density screens.
    """
    from PIL import Image

    cells = []
    for array, text in images:
        picture = Image.fromarray(np.ascontiguousarray(array))
        picture.thumbnail((2 * size, 2 * size))
        stream = io.BytesIO()
        picture.save(stream, format="WEBP", quality=80)
        cells.append(_picture(stream.getvalue(), "webp", text, text, width=size))
    grid = Markup('<div class="grid">{}</div>').format(Markup("").join(cells))
    return grid + (Markup('<p class="subtitle">{}</p>').format(caption) if caption else Markup(""))


def _picture(data: bytes, kind: str, caption: str, alt: str, width: int | None = None) -> Markup:
    encoded = base64.b64encode(data).decode("ascii")
    size = Markup(' style="width: {}px"').format(width) if width else Markup("")
    text = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup('<figure{}><img src="data:image/{};base64,{}" alt="{}">{}</figure>').format(
        size, kind, encoded, escape(alt), text
    )
