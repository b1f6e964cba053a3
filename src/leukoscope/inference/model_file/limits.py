"""Rejection and abstention limits of a model card, and their descriptions."""

from dataclasses import dataclass

from leukoscope.core.values import Abstention, Limit
from leukoscope.inference.rejection.mahalanobis import GaussianModel


@dataclass(frozen=True)
class OutOfDistribution:
    """The largest accepted distance to the training cells, in the space of the embedding."""

    method: str
    space: GaussianModel
    limit: Limit


def abstention_text(abstention: Abstention | None) -> str:
    """Describe the abstention as one line of `leukoscope model show`."""
    if abstention is None:
        return "none: every probability gives an answer"
    all_from, hem_to = abstention.all_from, abstention.hem_to
    low, high = sorted((all_from.value, hem_to.value))
    both = all_from.value <= hem_to.value
    classes = "both classes" if both else "neither class"
    verb = "are" if both else "is"
    return (
        f"uncertain from {low:.4f} to {high:.4f}, where {classes} {verb} in the prediction set, "
        f"and between this range and the operating point; {_promise(all_from, 'of ALL cells')}; "
        f"{_promise(hem_to, 'of HEM cells')}; {abstention.method}"
    )


def distance_text(known: OutOfDistribution | None) -> str:
    """Describe the limit on the distance as one line of `leukoscope model show`."""
    if known is None:
        return "not set; no image is rejected for its distance to the training cells"
    return (
        f"not a cell beyond a distance of {known.limit.value:.1f} in {known.space.width} "
        f"dimensions; {_promise(known.limit, 'of cells')}; {known.method}"
    )


def _promise(limit: Limit, cells: str) -> str:
    """The fraction of cells beyond a limit, and whether it is guaranteed."""
    persons = f"{limit.persons} person{'' if limit.persons == 1 else 's'}"
    if limit.guaranteed:
        return (
            f"at most {limit.alpha:.1%} {cells} of a new person expected beyond the limit, set "
            f"on {persons}"
        )
    return f"{limit.alpha:.1%} {cells} beyond the limit among {persons}, too few for a guarantee"
