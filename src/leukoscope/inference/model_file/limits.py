"""When a model must not answer, as its card says it."""

from dataclasses import dataclass

from leukoscope.core.values import Abstention, Limit
from leukoscope.inference.rejection.mahalanobis import GaussianModel


@dataclass(frozen=True)
class OutOfDistribution:
    """How far from the training cells a cell may lie, in the space of the model's embedding."""

    method: str
    space: GaussianModel
    limit: Limit


def abstention_text(abstention: Abstention | None) -> str:
    """When a probability is not answered for, as `leukoscope model show` says it."""
    if abstention is None:
        return "never abstains: each probability is answered for"
    from_, to = abstention.all_from, abstention.hem_to
    low, high = sorted((from_.value, to.value))
    which = "both classes are" if from_.value <= to.value else "neither class is"
    return (
        f"uncertain from {low:.4f} to {high:.4f}, where {which} possible, and on to the operating "
        f"point; {_share(from_, 'of ALL cells')}; {_share(to, 'of HEM cells')}; {abstention.method}"
    )


def distance_text(known: OutOfDistribution | None) -> str:
    """When a cell is unlike the training cells, likewise."""
    if known is None:
        return "not known; nothing is turned away for being unlike"
    return (
        f"not a cell beyond a distance of {known.limit.value:.1f} in {known.space.width} "
        f"dimensions; {_share(known.limit, 'of cells')}; {known.method}"
    )


def _share(limit: Limit, whose: str) -> str:
    on = f"{limit.persons} person{'' if limit.persons == 1 else 's'}"
    if limit.guaranteed:
        return f"at most {limit.alpha:.1%} {whose} of a new person expected beyond, set on {on}"
    return f"{limit.alpha:.1%} {whose} beyond it among {on}, which is too few to promise anything"
