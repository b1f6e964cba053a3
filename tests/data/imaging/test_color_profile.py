"""Color profiles that are not sRGB are noticed."""

import io
import struct

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from leukoscope.api.predict import predict_to_table
from leukoscope.data.imaging.color_profile import has_other_colors
from leukoscope.inference.notes import color_profile_note

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def picture(kind: str = "PNG", gamma: float | None = None, srgb: bool = False, **options) -> bytes:
    chunks = PngInfo()
    if srgb:
        chunks.add(b"sRGB", b"\0")
    if gamma:
        chunks.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    file = io.BytesIO()
    more = {"pnginfo": chunks} if kind == "PNG" else {}
    Image.new("RGB", (4, 4)).save(file, kind, **more, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "other"),
    [
        (picture(), False),
        (picture(gamma=1 / 2.2), False),
        (picture(gamma=1.0), True),
        (picture(gamma=1.0, srgb=True), False),
        (picture(icc_profile=SRGB), False),
        (picture(icc_profile=LAB, gamma=1 / 2.2), True),
        (picture("JPEG", icc_profile=LAB), True),
        (picture("TIFF", icc_profile=LAB), True),
        (picture("BMP"), False),
    ],
)
def test_a_profile_or_gamma_other_than_srgb_is_noticed(data: bytes, other: bool) -> None:
    with Image.open(io.BytesIO(data)) as image:
        assert has_other_colors(image.info) is other


def test_predict_counts_them(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(picture(gamma=1.0))
    (tmp_path / "b.png").write_bytes(picture())
    (tmp_path / "broken.png").write_bytes(b"no image")
    outcome = predict_to_table([tmp_path], out=tmp_path / "p.csv")
    assert outcome.color_profiles == 1
    assert color_profile_note(1)
    assert color_profile_note(0) == ""
