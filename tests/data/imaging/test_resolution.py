"""The scale that a file states: microscopes' numbers are read, printers' are not."""

import io

import pytest
from PIL import Image, TiffImagePlugin

from leukoscope.data.imaging.resolution import stated_scale

PICTURE = Image.new("RGB", (8, 6), (200, 190, 180))


def saved(kind, **options):
    stream = io.BytesIO()
    PICTURE.save(stream, kind, **options)
    return stream.getvalue()


def tiff(description="", **tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if description:
        info[270] = description
    for name, value in tags.items():
        info[{"x": 282, "y": 283, "unit": 296}[name]] = value
    return saved("TIFF", tiffinfo=info)


def ome(x, y, unit=""):
    attribute = f'PhysicalSizeXUnit="{unit}" PhysicalSizeYUnit="{unit}"' if unit else ""
    return (
        f'<OME><Image><Pixels PhysicalSizeX="{x}" PhysicalSizeY="{y}" {attribute}/></Image></OME>'
    )


@pytest.mark.parametrize(
    ("data", "scale"),
    [
        (tiff(ome(0.0645, 0.0645)), 0.0645),
        (tiff(ome(64.5, 64.5, "nm")), 0.0645),
        (tiff(x=155_000.0, y=155_000.0, unit=3), 1e4 / 155_000),
        (tiff(x=254_000.0, y=254_000.0, unit=2), 0.1),
        (tiff("ImageJ=1.53t\nunit=micron\n", x=10.0, y=10.0, unit=1), 0.1),
        (tiff("Aperio Image|AppMag = 40|MPP = 0.2520"), 0.252),
        (saved("PNG", dpi=(254_000, 254_000)), 0.1),
    ],
)
def test_a_microscopes_resolution_is_read(data, scale):
    assert stated_scale(data) == pytest.approx(scale, rel=1e-3)


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_a_printers_resolution_is_no_scale(kind, dpi):
    assert stated_scale(saved(kind, dpi=(dpi, dpi))) is None


@pytest.mark.parametrize(
    "data",
    [
        saved("PNG"),
        tiff(ome(0.1, 0.2)),
        tiff(ome(0.1, 0.1, "furlong")),
        tiff(x=254_000.0, y=254_000.0, unit=1),
        tiff("<OME"),
        tiff("MPP = ..."),
        b"no image",
        b"",
    ],
)
def test_no_scale_is_invented(data):
    assert stated_scale(data) is None
