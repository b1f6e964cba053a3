"""Remarks for the readers of a set of predictions."""

from collections.abc import Sequence

from leukoscope.core.wording import agree, count
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX


def seen_note(seen: int, total: int) -> str:
    """A remark on images that the model was trained on; "" without such images."""
    if not seen:
        return ""
    return (
        f"SEEN IN TRAINING: {seen:,} of {count(total, 'image')} {agree(seen, 'is')} among those "
        "that the model was "
        "trained or calibrated on. Its answers for them say nothing about other cells."
    )


def beyond_note(beyond: int, total: int) -> str:
    """A remark on cells that the crop cuts off; "" without such cells."""
    if not beyond:
        return ""
    return (
        f"CUT OFF: {beyond:,} of {count(total, 'cell')} {agree(beyond, 'extends')} beyond the crop "
        "of the model, which does not see them whole. Their scale is probably not that of the "
        "training cells."
    )


def repeated_note(copies: int, total: int) -> str:
    """A remark on copies of images, which count once in the answers for subjects; "" without any.

    Args:
        copies: Images with the pixels of another one of their subject or person.
        total: All images.
    """
    if not copies:
        return ""
    verb = "is a copy" if copies == 1 else "are copies"
    return (
        f"COPIES: {copies:,} of {count(total, 'image')} {verb} of another image of the same "
        "subject or person, with the same pixels. Each image counts once in the answer for it."
    )


def scale_notes(
    unknown: int, other: int, total: int, expected: float = CNMC_UM_PER_PX
) -> Sequence[str]:
    """Remarks on images of unknown or another scale among those looked at; none without any.

    Args:
        unknown: Images of unknown scale.
        other: Images of a known scale that is not that of the model.
        total: Images looked at.
        expected: µm per pixel of the model.
    """
    notes = (_unknown_scale(unknown, total, expected), other_scale_note(other, total, expected))
    return [note for note in notes if note]


def color_profile_note(profiles: int) -> str:
    """A remark on color profiles that are not applied; "" without any."""
    if not profiles:
        return ""
    return (
        f"COLOR: {count(profiles, 'checked image', 'has')} a color profile or gamma other than "
        "sRGB, which is not applied: the pixels are used as the file has them."
    )


def other_scale_note(other: int, total: int, expected: float = CNMC_UM_PER_PX) -> str:
    """A remark on images of a known scale that is not that of the model; "" without any."""
    if not other:
        return ""
    return (
        f"SCALE: {other:,} of {count(total, 'checked image')} {agree(other, 'has')} a "
        f"scale other than the {expected:.4g} µm per pixel of the model. Every answer depends on "
        "size, and images are not resized: these answers should not be used. leukoscope cells "
        f"writes cells of pictures at {CNMC_UM_PER_PX} µm per pixel."
    )


def _unknown_scale(unknown: int, total: int, expected: float) -> str:
    if not unknown:
        return ""
    of_cnmc = ", the scale of C-NMC" if expected == CNMC_UM_PER_PX else ""
    return (
        f"SCALE: {unknown:,} of {count(total, 'checked image')} {agree(unknown, 'does')} not state "
        "the µm per pixel. "
        f"Every answer depends on size, and the model expects {expected:.4g} µm per "
        f"pixel{of_cnmc}. State the scale in the resolution of the files or in a column um_per_px "
        "of a table."
    )
