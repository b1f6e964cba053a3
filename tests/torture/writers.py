"""Two writers at once: in one folder one of them wins, and nothing is mixed."""

import random
import shutil
import time
from pathlib import Path

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.tables import read_table
from leukoscope.inference.model_file.model_file import read_card
from leukoscope.training.run import check_model, read_run
from tests.torture.commands import (
    PATIENCE,
    Place,
    damaged,
    environment,
    impolite,
    parts,
    prepare,
    start,
)
from tests.torture.record import Record, Row


def run(record: Record, folder: Path, *, seed: int, rounds: int) -> None:
    """Start every command twice at almost the same moment."""
    place = prepare(folder / "place")
    for name in place.commands(folder):
        if not record.is_done("two writers", name, seed):
            with record.row("two writers", name, seed) as row:
                twice(row, place, name, folder / name.replace(" ", "-"), rounds)


def twice(row: Row, place: Place, name: str, out: Path, rounds: int) -> None:
    rng = random.Random(f"{row.seed} {name}")
    refused = 0
    for _ in range(rounds):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        env = environment(out / "home")
        arguments = place.commands(out)[name]
        others = [*arguments, "--seed", "1"] if arguments[0] == "train" else arguments
        first = start(arguments, env)
        time.sleep(rng.uniform(0, 0.5))
        second = start(others, env)
        errors = [process.communicate(timeout=PATIENCE)[1] for process in (first, second)]
        codes = [first.returncode, second.returncode]
        problems = [
            problem
            for code, err in zip(codes, errors, strict=True)
            for problem in impolite(code, err)
        ]
        if 0 not in codes:
            problems.append(f"neither completes: {codes} {errors}")
        refused += sum(code != 0 for code in codes)
        problems += damaged(out) + [f"{part} is left" for part in parts(out)]
        problems += _mixed(out, arguments[0])
        row.check(problems, "two at once")
    row.facts = {"refused": refused}


def _mixed(out: Path, command: str) -> list[str]:
    """What does not fit together in the results of two."""
    try:
        if command == "train":
            (folder,) = (path.parent for path in out.rglob("model.onnx"))
            run = read_run(folder)
            check_model(run, read_card(run.model))
        if command == "tune":
            states = read_table(out / "study" / "trials.csv")["state"].tolist()
            if states.count("complete") != 3:
                return [f"the study has {states}"]
    except (LeukoscopeError, ValueError) as error:
        return [str(error)]
    return []
