"""The parts of an HTML page: what comes from outside is escaped, and nothing else is loaded."""

import base64
import io
import re

import numpy as np
from PIL import Image

from leukoscope.core import html
from leukoscope.core.errors import RESEARCH_USE

HOSTILE = '<script>alert("x")</script>'


def test_text_from_outside_is_escaped_everywhere():
    grid = html.image_grid([(np.zeros((4, 4, 3), np.uint8), HOSTILE)], HOSTILE)
    parts = [
        html.heading(HOSTILE),
        html.paragraph(HOSTILE),
        html.note(HOSTILE, "warning"),
        html.table([HOSTILE], [[HOSTILE]], HOSTILE),
        grid,
    ]
    page = html.page(HOSTILE, parts, subtitle=HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 9


def test_a_page_carries_the_notice_and_loads_nothing():
    page = html.page("Title", [html.paragraph("text")])
    assert RESEARCH_USE in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_a_grid_shows_its_pictures_at_the_asked_width():
    picture = np.full((300, 600, 3), 200, np.uint8)
    grid = html.image_grid([(picture, "a cell")], size=120)
    assert 'style="width: 120px"' in grid
    encoded = re.search(r"data:image/webp;base64,([^\"]+)", grid)
    stored = Image.open(io.BytesIO(base64.b64decode(encoded[1])))
    assert stored.size == (240, 120)
    assert abs(np.asarray(stored).mean() - 200) < 3


def test_a_page_is_written_whole(tmp_path):
    path = html.write_page(tmp_path / "new" / "page.html", "Título", [html.heading("é")])
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]
