"""Advice on a cohort before any work on it: pictures that do not show cut-out cells, and images
without a subject.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import CohortError, ImageError
from leukoscope.core.files import natural_key
from leukoscope.core.sampling import evenly_spread
from leukoscope.core.shell_words import pair_option
from leukoscope.core.wording import count
from leukoscope.data.audit.checked import NO_BORDER, flagged
from leukoscope.data.cnmc.cnmc import ALL, HEM
from leukoscope.data.cohort import KNOWN, Cohort
from leukoscope.data.ids import are_of_images
from leukoscope.data.imaging.foreground import beyond_crop, on_black
from leukoscope.data.imaging.image import decode
from leukoscope.data.scale import scale_advice
from leukoscope.data.words import heading_like

SAMPLE = 32
"""Images that are opened to see whether they are cells on black, where no audit has seen them."""
NAMED = 5
"""Subjects that a remark names."""
FEW = 0.1
"""Fraction of cells that may reach over a crop without a warning."""
CUT_OUT = (
    "Cut the cells out first: leukoscope cells FIELDS... --out cells, then use cells/cells.csv."
)


def advice(cohort: Cohort) -> list[str]:
    """Remarks on subjects, on the ground of the images and on their scale, a line each."""
    lines = (
        subject_advice(cohort),
        image_ids_advice(cohort),
        both_classes_advice(cohort),
        ground_advice(cohort),
        scale_advice(cohort),
    )
    return [line for line in lines if line]


def subject_advice(cohort: Cohort) -> str:
    """Advice if images have no subject; "" if all have one."""
    missing = int(np.sum(cohort["subject"] == ""))
    if not missing or not len(cohort):
        return ""
    no = f"{count(missing, 'image', 'has')} no"
    which = "No image has a" if missing == len(cohort) else no
    heading = heading_like(set(cohort) - set(KNOWN), "subject")
    column = pair_option("--columns", "subject", heading) if heading else "a column `subject`"
    return (
        f"{which} subject id. Without it a split cannot keep the cells of one person in one "
        "subset, and results with a split by image are too good for new persons. "
        f"Give {column}, or find it in the paths: --subject-pattern 'patient_(\\w+)'."
    )


def image_ids_advice(cohort: Cohort) -> str:
    """Advice if nearly every image has a subject id of its own; "" otherwise."""
    if not are_of_images(cohort["subject"]) or not are_of_images(cohort["person"]):
        return ""
    return (
        f"{count(len(cohort), 'image', 'has')} "
        f"{count(len(cohort.unique('subject')), 'subject id')}, nearly one for each. If these are "
        "ids of images, a split over persons does not keep a person's cells in one subset, and "
        "results are too good for new persons. Give the ids of persons as the subject."
    )


def both_classes_advice(cohort: Cohort) -> str:
    """Advice if one subject has cells of both classes; "" if none has."""
    subject, label = cohort["subject"], cohort["label"]
    blasts, normal = ({*subject[label == name]} - {""} for name in (ALL, HEM))
    both = sorted(blasts & normal, key=natural_key)
    if not both:
        return ""
    named = ", ".join(both[:NAMED]) + (", ..." if len(both) > NAMED else "")
    return (
        f"{count(len(both), 'subject', 'has')} ALL and HEM cells ({named}). If these are different "
        "persons with the same number, include the part of the path that distinguishes them in "
        "--subject-pattern, such as '(\\w+/patient_\\w+)' for the folder of the class."
    )


def ground_advice(cohort: Cohort) -> str:
    """Advice if most images are not cells on black; "" otherwise."""
    bare, seen = images_without_ground(cohort)
    if 2 * bare <= seen:
        return ""
    return (
        f"{bare:,} of {seen:,} checked images do not show one cell on a black background: the "
        f"measurements would be of the whole picture, with red cells and background. {CUT_OUT}"
    )


def require_black_ground(cohort: Cohort) -> None:
    """Refuse a cohort of pictures whose cells are not cut out.

    Raises:
        CohortError: Most images are not cells on a black background.
    """
    if line := ground_advice(cohort):
        raise CohortError(f"{cohort.source or 'the cohort'}: {line}")


def crop_advice(cohort: Cohort, crop: int) -> str:
    """Advice if cells of a sample extend beyond the crop of a recipe; "" if few do.

    Args:
        cohort: The cells.
        crop: Side of the crop, px.
    """
    found = [
        beyond_crop(image, crop)
        for image in map(_image_or_none, _sampled_paths(cohort))
        if image is not None and on_black(image)
    ]
    if sum(found) <= FEW * len(found):
        return ""
    return (
        f"{sum(found)} of {len(found)} checked cells extend beyond the crop of {crop} px, so a "
        "model does not see them whole. C-NMC has 0.05 µm per pixel; resample pictures of another "
        "scale, or choose a larger input.crop."
    )


def images_without_ground(cohort: Cohort) -> tuple[int, int]:
    """Number of images that are not on black, and of those looked at.

    An audit has looked at all that it could read; without one, a sample of readable files counts.
    """
    if "cell" in cohort:
        read = cohort["cell"] != ""
        return int(np.sum(flagged(cohort, [NO_BORDER]) & read)), int(np.sum(read))
    found = [on_black_or_none(path) for path in _sampled_paths(cohort)]
    seen: Sequence[bool] = [ground for ground in found if ground is not None]
    return len(seen) - sum(seen), len(seen)


def on_black_or_none(path: str) -> bool | None:
    """True if the image is a cell on black; None if it cannot be read or has one color."""
    image = _image_or_none(path)
    return None if image is None or image.max() == image.min() else on_black(image)


def _sampled_paths(cohort: Cohort) -> Sequence[str]:
    return list(cohort["path"][evenly_spread(len(cohort), SAMPLE)])


def _image_or_none(path: str) -> NDArray[np.uint8] | None:
    try:
        return decode(path)
    except ImageError:
        return None
