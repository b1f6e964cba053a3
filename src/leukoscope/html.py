"""Self-contained HTML pages: every report, sheet and summary is built from these few parts.

Text is escaped by Jinja2's Markup wherever it comes from; pictures are embedded, so that one file can be mailed.
Needs the train extra (jinja2, matplotlib).
"""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from leukoscope.errors import RESEARCH_USE
from leukoscope.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><style>
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6675; --line: #d5dbe3; --paper: #fff; --tint: #f3f6f9;
  --accent: #0072b2; --warn: #fff3d6; --warnline: #e69f00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #36404d; --paper: #14191f;
  --tint: #1d242d; --accent: #56b4e9; --warn: #3a2f14 } }
body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 } h2 { margin: 2.2rem 0 .5rem; font-size: 1.25rem } h3 { margin: 1.5rem 0 .4rem }
.subtitle, figcaption, caption, footer { color: var(--soft); font-size: .9rem } caption { text-align: left }
.research { display: inline-block; margin: .6rem 0; padding: .1rem .6rem; border: 1px solid var(--line);
  border-radius: 1rem; color: var(--soft); font-size: .85rem }
.note { margin: 1rem 0; padding: .7rem 1rem; background: var(--tint); border-left: 4px solid var(--accent) }
.note.warning { background: var(--warn); border-color: var(--warnline) }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
figure { margin: 1rem 0 } figure img { max-width: 100%; background: #fff; border-radius: 4px }
.grid { display: flex; flex-wrap: wrap; gap: .6rem } .grid figure { margin: 0; width: min-content }
.grid figcaption { font-size: .72rem; overflow-wrap: anywhere; line-height: 1.25 }
</style></head><body><header><h1>{{ title }}</h1>
{% if subtitle %}<div class="subtitle">{{ subtitle }}</div>{% endif %}
<div class="research">{{ research_use }}</div></header>
<main>{% for part in parts %}{{ part }}
{% endfor %}</main></body></html>
"""


def page(title: str, parts: Iterable[Markup], *, subtitle: str = "") -> str:
    """A whole page with the research-use notice in its frame."""
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(_PAGE)
    return template.render(
        title=title, subtitle=subtitle, parts=list(parts), research_use=RESEARCH_USE
    )


def write_page(path: Path | str, title: str, parts: Iterable[Markup], *, subtitle: str = "") -> Path:
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
    """A box that stands out; `kind` is "info" or "warning"."""
    role = Markup(' role="alert"') if kind == "warning" else ""
    return Markup('<div class="note {}"{}>{}</div>').format(kind, role, text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """A table; cells are escaped unless they are Markup."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in headers)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(v) for v in row))
        for row in rows
    )
    title = Markup("<caption>{}</caption>").format(caption) if caption else Markup("")
    return Markup(
        '<div class="scroll"><table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(title, head, body)


def figure(drawing: "Figure", caption: str = "", alt: str = "") -> Markup:
    """A Matplotlib figure as an embedded PNG."""
    stream = io.BytesIO()
    drawing.savefig(stream, format="png", dpi=110, bbox_inches="tight")
    return _picture(stream.getvalue(), "png", caption, alt or caption)


def image_grid(
    images: Iterable[tuple[np.ndarray, str]], caption: str = "", size: int = 96
) -> Markup:
    """Small pictures side by side, each with its own line of text.

    Args:
        images: uint8 arrays (H, W, 3), each with a caption.
        caption: Text under the whole grid.
        size: Side of each picture in CSS pixels; stored at twice that for sharp screens.
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
    size = Markup(' width="{}"').format(width) if width else Markup("")
    text = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup('<figure><img src="data:image/{};base64,{}" alt="{}"{}>{}</figure>').format(
        kind, encoded, escape(alt), size, text
    )
