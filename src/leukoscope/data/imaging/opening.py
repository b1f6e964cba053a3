"""Open a file with Pillow: accepted formats only, and without its remarks on standard error."""

import io
import logging
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.data.imaging.formats import PILLOW_FORMATS

if TYPE_CHECKING:
    from PIL import ImageFile

# Pillow logs damage before it raises; without any handler Python would print that to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_MODULES = r"PIL\."
_QUIET = ("ignore", None, Warning, re.compile(_MODULES), 0)


def open_picture(source: Path | bytes) -> "ImageFile.ImageFile":
    """Open an image; its pixels are not read yet.

    Pillow's warnings, of damaged metadata and of many pixels, are ignored for the whole process:
    `warnings.catch_warnings` in several threads restores the filters in the wrong order. libtiff
    prints messages of its own to the standard error of the process, which Python cannot turn off.

    Args:
        source: Path or content of the file.

    Raises:
        Exception: Anything, for a damaged file.
    """
    from PIL import Image

    if tuple(warnings.filters[:1]) != (_QUIET,):
        warnings.filterwarnings("ignore", module=_MODULES)
    return Image.open(
        io.BytesIO(source) if isinstance(source, bytes) else source, formats=PILLOW_FORMATS
    )
