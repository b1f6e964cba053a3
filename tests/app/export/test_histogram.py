"""The histogram of a report."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.app.export.histogram import BINS, HEIGHT, WIDTH, count, histogram

VALUES = st.lists(st.floats(0, 1), max_size=60)


@given(VALUES)
def test_every_value_is_in_one_bin(values: list[float]) -> None:
    counts = count(values)
    assert (len(counts), sum(counts)) == (BINS, len(values))
    for place, number in enumerate(counts):
        inside = [v for v in values if place <= v * BINS < place + 1 or (v == 1 and place == 19)]
        assert number == len(inside)


@given(VALUES.filter(bool), st.floats(0, 1))
def test_the_drawing_is_whole_and_within_its_frame(values: list[float], threshold: float) -> None:
    figure = ElementTree.fromstring(str(histogram(values, threshold)))
    bars = figure.findall(".//rect")
    assert sum(int(bar.find("title").text) for bar in bars) == len(values)  # type: ignore
    heights = [float(bar.attrib["height"]) for bar in bars]
    numbers = [int(bar.find("title").text) for bar in bars]  # type: ignore
    assert max(heights) == heights[numbers.index(max(numbers))]
    for bar in bars:
        x, y, w, h = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= WIDTH
        assert 0 <= y <= y + h <= HEIGHT


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_threshold_is_where_it_belongs(threshold: float) -> None:
    figure = ElementTree.fromstring(str(histogram([0.1, 0.9], threshold)))
    mark = figure.find(".//line[@class='threshold']")
    axis = figure.find(".//line")
    assert mark is not None
    assert axis is not None
    left, right = float(axis.attrib["x1"]), float(axis.attrib["x2"])
    assert float(mark.attrib["x1"]) == pytest.approx(left + threshold * (right - left), abs=0.1)
    label = figure.find(".//svg").attrib["aria-label"]  # type: ignore[union-attr]
    above = sum(value >= threshold for value in (0.1, 0.9))
    assert re.search(rf"\b{above} of 2 cells", label)
