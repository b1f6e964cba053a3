"""The verdicts on an image: the one table from which inference, evaluation and the app take them.

A new verdict is a member and a row here, a rule in `leukoscope.inference.verdict`, and a shape and
a color on the app's page.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The result for one image."""

    BLAST = "blast"
    NORMAL = "normal"
    UNCERTAIN = "uncertain"
    NOT_A_CELL = "not a cell"
    ERROR = "error"


@dataclass(frozen=True)
class VerdictInfo:
    """The meaning of a verdict and its presentation.

    Attributes:
        verdict: The verdict; its value is the text in tables and answers.
        plural: The word for several such images.
        meaning: A sentence for a legend.
        color: The color role, a key of the app's style sheet.
        label: The label that a reviewer who agrees gives; None where there is none.
        is_answer: The verdict names a class.
        from_probability: The verdict follows from the probability, so that another threshold can
            change it.
    """

    verdict: Verdict
    plural: str
    meaning: str
    color: str
    label: str | None = None
    is_answer: bool = False
    from_probability: bool = False


VERDICTS = (
    VerdictInfo(
        Verdict.BLAST,
        plural="blasts",
        meaning="Predicted to be a leukemic blast (ALL).",
        color="blast",
        label="ALL",
        is_answer=True,
        from_probability=True,
    ),
    VerdictInfo(
        Verdict.UNCERTAIN,
        plural="uncertain",
        meaning="The probability does not single out one class; no answer is given.",
        color="uncertain",
        from_probability=True,
    ),
    VerdictInfo(
        Verdict.NORMAL,
        plural="normal",
        meaning="Predicted to be a normal lymphoid cell (HEM).",
        color="normal",
        label="HEM",
        is_answer=True,
        from_probability=True,
    ),
    VerdictInfo(
        Verdict.NOT_A_CELL,
        plural="not a cell",
        meaning="The image does not look like one of the model's training cells; no answer is "
        "given.",
        color="none",
        label="not a cell",
    ),
    VerdictInfo(
        Verdict.ERROR,
        plural="errors",
        meaning="The image could not be read, or the model gave no number.",
        color="error",
    ),
)
"""Every verdict once, in the order in which results list them."""

ANSWERS = frozenset(info.verdict for info in VERDICTS if info.is_answer)
FROM_PROBABILITY = frozenset(info.verdict for info in VERDICTS if info.from_probability)


class SubjectVerdict(StrEnum):
    """The result for the cells of one subject together."""

    LEUKEMIC = "leukemic"
    NORMAL = "normal"
    UNCERTAIN = "uncertain"
