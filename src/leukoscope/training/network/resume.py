"""The state of a run in its folder: whether it is this run, how far it is, and its best epoch."""

from pathlib import Path

from torch import nn

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import Cohort
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.network import checkpoint
from leukoscope.training.network.log import Epoch
from leukoscope.training.network.probe import Speed
from leukoscope.training.network.schedule import score
from leukoscope.training.network.stages import plan, stage_of_next
from leukoscope.training.run import run_key


def finished_epochs(out: Path, cohort: Cohort, recipe: NetworkRecipe, seed: int) -> list[Epoch]:
    """The log of an interrupted or finished run in `out`; empty where there is none.

    Raises:
        TrainingError: `out` holds a run with other settings, seed or cells, or a damaged one.
    """
    path = out / checkpoint.LAST
    if not path.exists():
        return []
    state = checkpoint.read_state(path)
    if state.get("run") != key_of(cohort, recipe, seed):
        raise TrainingError(
            f"{out}: holds a run with other settings, seed or cells; choose another --out, or "
            "start again there with --fresh."
        )
    try:
        return [Epoch(**line) for line in state["log"]]
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{path}: its log is damaged; start again with --fresh.") from error


def load_best(out: Path, key: str, network: nn.Module) -> None:
    """Load the weights of the best epoch, which must be of this run.

    Raises:
        TrainingError: They are of another run.
    """
    path = out / checkpoint.BEST
    if checkpoint.read_state(path).get("run") != key:
        raise TrainingError(
            f"{path}: holds weights of another run; choose another --out, or start again there "
            "with --fresh."
        )
    checkpoint.load(path, network)


def key_of(cohort: Cohort, recipe: NetworkRecipe, seed: int) -> str:
    """The key of a run whose `epochs` and `patience` may grow."""
    settings = recipe.to_dict()
    settings["stages"] = [vars(stage).copy() for stage in plan(recipe)]
    for allowance in ("epochs", "patience"):  # a finished run may be given more of either
        settings["fit"].pop(allowance)
        settings["stages"][-1].pop(allowance)
    return run_key(cohort, settings, seed)


def next_stage(recipe: NetworkRecipe, log: list[Epoch]) -> int:
    """The number of the stage that the next epoch is of, from 1."""
    return stage_of_next(plan(recipe), stages_of(log), scores_of(recipe, log))


def stages_of(log: list[Epoch]) -> list[int]:
    """The stage of each epoch."""
    return [line.stage for line in log]


def scores_of(recipe: NetworkRecipe, log: list[Epoch]) -> list[float]:
    """The monitored value of each epoch as a score; higher is better."""
    name = recipe.fit.monitor
    return [score(name, entry.monitored(name)) for entry in log]


def speed_of(out: Path) -> Speed | None:
    """The speed settings of the run in `out`, from its last checkpoint; None for an older run."""
    stored = checkpoint.read_state(out / checkpoint.LAST).get("speed")
    return Speed(**stored) if stored else None
