"""The state of a trial, and its place among those that count."""

from collections.abc import Iterable

from optuna.trial import FrozenTrial, TrialState

END = "end"  # the attribute of a trial that says how it ended; an interrupted one has none
HELD = "held"  # the name of the part that the process of a trial holds in the folder of the study
SURPLUS = "surplus"  # of a trial that was one too many


def state_of(trial: FrozenTrial) -> str:
    """A state of `Row`; "surplus" for a trial that was one too many."""
    if SURPLUS in trial.user_attrs:
        return "surplus"
    if trial.state == TrialState.FAIL:
        return "failed" if END in trial.user_attrs else "interrupted"
    if trial.user_attrs.get(END, {}).get("impossible"):
        return "impossible"
    return trial.state.name.lower()


def is_requested(trial: FrozenTrial) -> bool:
    """True for a trial that counts towards the requested number."""
    return state_of(trial) not in ("interrupted", "waiting", "surplus")


def rank(trials: Iterable[FrozenTrial], number: int) -> int:
    """The number of trials that count before one; its own number if none was interrupted."""
    return sum(is_requested(trial) for trial in trials if trial.number < number)
