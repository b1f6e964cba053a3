"""The model of subjects as text and as a table."""

from leukoscope.core.wording import count as counted
from leukoscope.inference.subject.model import CurvePoint, SubjectModel

NO_MODEL = "none: the card of this model has no model of subjects"
NO_ANSWER = (
    "No answers for subjects: this model has no model of subjects (it was made by an "
    "earlier version, or fitted on fewer than three persons of a class)."
)
BOTH_KINDS = (
    "p_all_in_context takes half of its logit from the subject's other cells, and a person after "
    "treatment has both kinds of cells. It does not change any verdict."
)
NO_PATIENT = "Answers for subjects describe the cells given. No statement about a patient."
CURVE_HEADERS = (
    "Cells",
    "AUROC of persons",
    "Sensitivity",
    "Specificity",
    "Persons with a verdict",
    "Wrong verdicts",
)


def subjects_text(model: SubjectModel | None) -> str:
    """The model in one line."""
    if model is None:
        return NO_MODEL
    text = (
        f"fitted on {counted(model.leukemic.persons, 'person')} with ALL and "
        f"{model.normal.persons} with HEM "
        f"cells ({model.part})"
    )
    if not model.curve:
        return text
    return f"{text}; persons left out: " + "; ".join(map(_point, model.curve))


def curve_row(point: CurvePoint) -> tuple[str, ...]:
    """A row of a table with `CURVE_HEADERS`."""
    return (
        str(point.cells),
        f"{point.auroc:.3f}",
        f"{point.sensitivity:.3f}",
        f"{point.specificity:.3f}",
        f"{point.answered:.1%}",
        f"{point.wrong:.1%}",
    )


def _point(point: CurvePoint) -> str:
    cells = f"{point.cells} cell{'' if point.cells == 1 else 's'}"
    return (
        f"AUROC {point.auroc:.3f}, sensitivity {point.sensitivity:.3f}, specificity "
        f"{point.specificity:.3f} with {cells}"
    )
