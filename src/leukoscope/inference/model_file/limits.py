"""When a model must not answer, as its card says it."""

from dataclasses import dataclass

from leukoscope.inference.rejection.mahalanobis import GaussianModel


@dataclass(frozen=True)
class Limit:
    """A bound set on persons not trained on, so that a share `alpha` of cells lies beyond it.

    `guaranteed`: there were persons enough to promise that share for a new person's cells, on
    average over persons. Else it is the share among the persons at hand, and promises nothing. See
    `leukoscope.evaluation.metrics.conformal`.
    """

    value: float
    alpha: float
    guaranteed: bool
    persons: int
    cells: int

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha must be from 0 to below 1, got {self.alpha}")


@dataclass(frozen=True)
class ConformalThresholds:
    """Which classes a probability of ALL leaves possible.

    ALL is from `all_from` on, HEM up to `hem_to`: where these overlap both are, and where they
    leave a gap neither.
    """

    all_from: float
    hem_to: float

    def classes(self, p_all: float) -> tuple[str, ...]:
        """One class, both, or none."""
        hem = ("HEM",) if p_all <= self.hem_to else ()
        return (*hem, "ALL") if p_all >= self.all_from else hem


@dataclass(frozen=True)
class Abstention:
    """Where `ConformalThresholds` begins and ends, and what that is worth.

    Of ALL cells the share `all_from.alpha` may lose their class so, of HEM cells `hem_to.alpha`.
    """

    method: str
    all_from: Limit
    hem_to: Limit

    @property
    def possible(self) -> ConformalThresholds:
        """The two limits without their origin."""
        return ConformalThresholds(self.all_from.value, self.hem_to.value)


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
