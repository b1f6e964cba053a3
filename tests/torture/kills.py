"""Kills at random moments: all files stay whole, and the next run completes."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.app.live import Live, running
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
from tests.torture.reviews import Reviewer, at_work

SHARE_OF_CTRL_C = 0.3  # of the kills; the others are SIGKILL
ROUND = 5  # kills, after which the command must complete


def run(record: Record, folder: Path, *, seed: int, kills: int) -> None:
    """Kill each command, and the server, `kills` times over all."""
    place = prepare(folder / "place")
    names = [*place.commands(folder)]
    each = max(1, kills // (len(names) + 1))
    for name in names:
        if not record.is_done("kills", name, seed):
            with record.row("kills", name, seed) as row:
                kill_command(row, place, name, folder / name.replace(" ", "-"), each)
    if not record.is_done("kills", "serve", seed):
        with record.row("kills", "serve", seed) as row:
            kill_server(row, place, folder / "serve", each)


def kill_command(row: Row, place: Place, name: str, out: Path, kills: int) -> None:
    rng = random.Random(f"{row.seed} {name}")
    out.mkdir()
    env = environment(out / "home")
    arguments = place.commands(out)[name]
    whole = _complete(row, out, arguments, env)
    caught, resumed = 0, 0
    while caught < kills and row.tried < 3 * kills:
        if caught % ROUND == 0:
            _empty(out)
        process = start(arguments, env)
        moment = rng.uniform(0, whole)
        if _ends_within(process, moment):
            row.check(impolite(process.returncode, process.communicate()[1]), "before its kill")
            _empty(out)
            continue
        by_hand = rng.random() < SHARE_OF_CTRL_C
        presses = rng.randint(1, 3) if by_hand else 1
        for _ in range(presses):
            process.send_signal(signal.SIGINT if by_hand else signal.SIGKILL)
            time.sleep(rng.uniform(0, 0.1) if presses > 1 else 0)
        err = process.communicate(timeout=PATIENCE)[1]
        caught += 1
        problems = damaged(out)
        if by_hand and not ended_before_ours(process.returncode, err):
            problems += impolite(process.returncode, err)
        row.check(problems, f"{'Ctrl-C' if by_hand else 'kill'} after {moment:.2f} s")
        if caught % ROUND == 0 or caught == kills:
            resumed += 1
            _complete(row, out, arguments, env)
    row.facts = {"killed at work": caught, "completed after": resumed}


def _complete(row: Row, out: Path, arguments: Sequence[str], env: dict[str, str]) -> float:
    """Run to the end; nothing may be left of those killed before. Returns the seconds."""
    began = time.monotonic()
    process = start(arguments, env)
    err = process.communicate(timeout=PATIENCE)[1]
    problems = [] if process.returncode == 0 else [f"exit code {process.returncode}: {err[-300:]}"]
    problems += [f"{name} is left" for name in parts(out)] + damaged(out)
    row.failures += [f"completing: {problem}" for problem in problems]
    return time.monotonic() - began


def _ends_within(process: "subprocess.Popen[str]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def ended_before_ours(code: int, err: str) -> bool:
    """Whether Ctrl-C ended Python while it started, and before it read the first of our files."""
    begun = err.startswith("Traceback") and err.rstrip().endswith("KeyboardInterrupt")
    return code == -signal.SIGINT or (begun and "leukoscope" not in err)


def _empty(out: Path) -> None:
    for path in out.iterdir():
        if path.name != "home":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def kill_server(row: Row, place: Place, out: Path, kills: int, *options: str) -> None:
    """Kill a server while reviews are stored; each that was acknowledged is there afterwards.

    Args:
        row: The figures.
        place: The folder with the model.
        out: A new folder.
        kills: Number of kills.
        *options: Further options of `serve`, such as `--database`.
    """
    rng = random.Random(f"{row.seed} serve")
    out.mkdir()
    env = environment(out / "home")
    command = (str(place.folder / "tiny.onnx"), *options)
    reviewers: list[Reviewer] = []
    acknowledged = 0
    for _ in range(kills):
        with running(*command, env=env) as live:
            lost = [line for reviewer in reviewers for line in reviewer.lost(live.url)]
            acknowledged += sum(len(reviewer.acknowledged) for reviewer in reviewers)
            reviewers = [Reviewer(live.url, rng.randrange(10**6)) for _ in range(3)]
            for reviewer in reviewers:
                reviewer.prepare()
            with at_work(reviewers):
                time.sleep(rng.uniform(0.05, 1.5))
                _kill(live)
            statuses = {status for reviewer in reviewers for status in reviewer.answers}
            lost += [f"status {status}" for status in statuses if status >= 500]
            row.check(lost, "serve")
    with running(*command, env=env) as live:
        row.failures += [line for reviewer in reviewers for line in reviewer.lost(live.url)]
    row.facts = {"acknowledged reviews compared": acknowledged}


def _kill(live: Live) -> None:
    live.process.kill()
    live.process.wait(PATIENCE)
