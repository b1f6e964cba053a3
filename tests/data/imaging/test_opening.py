"""Opening a file with Pillow, from several threads and without its warnings."""

import io
import warnings

import pytest
from PIL import Image

from leukoscope.data.imaging.image import decode
from leukoscope.data.imaging.opening import open_picture
from leukoscope.data.imaging.resolution import stated_scale

ANYTHING = ("ignore", None, Warning, None, 0)


def _tiff_with_a_cut_directory() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "TIFF")
    return stream.getvalue()[:-40]


def test_warnings_of_pillow_are_not_shown() -> None:
    data = _tiff_with_a_cut_directory()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert stated_scale(data) is None
    assert not shown


def test_other_warnings_are_left_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that is set and restored by several threads can stay for the whole process."""
    during, opened = [], Image.open

    def watched(*given: object, **named: object) -> object:
        during.append(ANYTHING in warnings.filters)
        return opened(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", watched)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    decode(stream.getvalue())
    stated_scale(stream.getvalue())
    assert during == [False, False]


def test_only_accepted_formats_are_opened() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "GIF")
    with pytest.raises(OSError, match="cannot identify"):
        open_picture(stream.getvalue())
