"""The scales of images to predict, and their color profiles, from a sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from leukoscope.core.files import sha256_file
from leukoscope.core.sampling import evenly_spread
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.cnmc.frames import has_official_frame
from leukoscope.data.cnmc.recognize import official_file
from leukoscope.data.imaging.color_profile import has_other_colors
from leukoscope.data.imaging.opening import open_picture
from leukoscope.data.imaging.resolution import scale_of_picture
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX, differs
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.sources import Image, Source
from leukoscope.inference.zip_images import read_member

SAMPLE = 1000
"""Images that are looked at, evenly spread."""


@dataclass(frozen=True)
class Scales:
    """The scales of images beside that of a model.

    Attributes:
        unknown: Images of unknown scale.
        other: Images of a known scale that is not that of the model.
        looked_at: Images looked at.
        profiles: Images whose colors are not sRGB by a profile, which is not applied.
    """

    unknown: int
    other: int
    looked_at: int
    profiles: int = 0


def expected_scale(card: Card) -> float:
    """The scale in µm per pixel of the images of a model: that of its card, else C-NMC's."""
    known = card.scale.um_per_px if card.scale is not None else None
    return known or CNMC_UM_PER_PX


def check_scales(images: Sequence[Image], expected: float) -> Scales:
    """Count images whose scale is unknown, or is not that of the model.

    The scale is that of a table, else that which the file states. Official images of C-NMC have the
    scale of C-NMC: those of its names in its size, and those with the bytes of an official file.

    Args:
        images: Images as listed. Arrays, and files that are absent or no image, are left out.
        expected: µm per pixel of the model.
    """
    files = [one for one in images if isinstance(one, Source) and not one.problem]
    sample = (files[row] for row in evenly_spread(len(files), SAMPLE))
    heads = [head for head in map(_read_head, sample) if head is not None]
    known = [head.um_per_px for head in heads if head.um_per_px is not None]
    return Scales(
        unknown=len(heads) - len(known),
        other=sum(differs(scale, expected) for scale in known),
        looked_at=len(heads),
        profiles=sum(head.other_colors for head in heads),
    )


class _Head(NamedTuple):
    """The scale of an image, None if unknown, and whether its colors are not sRGB."""

    um_per_px: float | None
    other_colors: bool


def _read_head(source: Source) -> _Head | None:
    """None for a file that is not an image: prediction reports it."""
    try:
        data = read_member(source.path, source.number) if source.member else source.path
        with open_picture(data) as picture:
            size, other_colors = picture.size, has_other_colors(picture.info)
            scale = source.um_per_px or scale_of_picture(picture)
    except Exception:  # decoders of hostile bytes raise nearly anything
        return None
    if scale is None and _is_official(Path(source.name).name, data, size):
        scale = CNMC_UM_PER_PX
    return _Head(scale, other_colors)


def _is_official(name: str, data: Path | bytes, size: tuple[int, int]) -> bool:
    if not has_official_frame(name, size):
        return False
    if parse_name(name):
        return True
    try:
        digest = sha256(data).hexdigest() if isinstance(data, bytes) else sha256_file(data)
    except OSError:
        return False
    return official_file(digest) is not None
