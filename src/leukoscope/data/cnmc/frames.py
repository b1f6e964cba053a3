"""The frames of official images: a picture of another size was resized, so its scale is not known.

Images of the training and the preliminary set are 450 px square, those of the final set 600 px.
"""

from leukoscope.data.cnmc.cnmc import parse_name

FRAME, FINAL_FRAME = 450, 600
"""Side of an image in px: training and preliminary set, and final set."""
_OF_FOLD = {"prelim": (FRAME,), "final": (FINAL_FRAME,)}


def has_official_frame(name: str, size: tuple[int, int], fold: str = "") -> bool:
    """True if a picture has the size that official images of its name or fold have.

    Args:
        name: Name of the file, without folders.
        size: Width and height in px.
        fold: The official fold, "" if unknown.
    """
    sides = (FRAME,) if parse_name(name) else _OF_FOLD.get(fold, (FRAME, FINAL_FRAME))
    return size[0] == size[1] and size[0] in sides
