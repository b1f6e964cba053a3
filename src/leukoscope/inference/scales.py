"""The scale of images to predict: the number that state none, from a sample."""

from collections.abc import Sequence
from pathlib import Path

from leukoscope.core.sampling import evenly_spread
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.data.imaging.opening import open_picture
from leukoscope.data.imaging.resolution import stated_scale
from leukoscope.inference.sources import Image, Source
from leukoscope.inference.zip_images import read_member

SAMPLE = 1000
"""Images that are looked at, evenly spread."""


def unknown_scales(images: Sequence[Image]) -> tuple[int, int]:
    """Count images of unknown scale.

    Args:
        images: Images as listed. Arrays, and files that are absent or no image, are left out.

    Returns:
        The number of images whose scale neither a table nor their file states, without those that
        have a name of C-NMC; and the number looked at.
    """
    files = [one for one in images if isinstance(one, Source) and not one.problem]
    rows = evenly_spread(len(files), SAMPLE)
    known = [one for one in (_is_known(files[row]) for row in rows) if one is not None]
    return known.count(False), len(known)


def _is_known(source: Source) -> bool | None:
    """None for a file that cannot be opened as an image: prediction reports it."""
    if source.um_per_px or parse_name(Path(source.name).name):
        return True
    try:
        data = read_member(source.path, source.number) if source.member else source.path
        with open_picture(data):
            pass
    except Exception:  # decoders of hostile bytes raise nearly anything
        return None
    return stated_scale(data) is not None
