"""A soak: a server under work for minutes, whose memory and descriptors stay flat."""

import statistics
import time
from collections import Counter
from pathlib import Path

from tests.app.live import running
from tests.inference.tiny_model import write_tiny_model
from tests.torture.commands import environment
from tests.torture.record import Record, Row
from tests.torture.reviews import Reviewer, at_work

CLIENTS = 4
GROWTH, MIB = 0.05, 1 << 20  # of memory from the second quarter of the time to the last one
MORE = 8  # descriptors


def run(record: Record, folder: Path, *, seed: int, seconds: float) -> None:
    """Soak a server with its SQLite file."""
    if not record.is_done("soak", "serve", seed):
        with record.row("soak", "serve", seed) as row:
            soak(row, folder, seconds)


def soak(row: Row, folder: Path, seconds: float, *options: str) -> None:
    """Let clients work on a server, and measure it every second.

    Args:
        row: The figures.
        folder: A new folder.
        seconds: How long.
        *options: Further options of `serve`, such as `--database`.
    """
    model = write_tiny_model(folder / "tiny.onnx")
    memory: list[float] = []
    descriptors: list[float] = []
    with running(str(model), *options, env=environment(folder / "home")) as live:
        process = Path("/proc") / str(live.process.pid)
        reviewers = [Reviewer(live.url, row.seed * CLIENTS + number) for number in range(CLIENTS)]
        for reviewer in reviewers:
            reviewer.prepare()
        with at_work(reviewers):
            end = time.monotonic() + seconds
            while time.monotonic() < end and live.process.poll() is None:
                pages = int((process / "statm").read_text().split()[1])
                memory.append(pages * 4096 / MIB)
                descriptors.append(len(list((process / "fd").iterdir())))
                time.sleep(min(1.0, seconds / 20))
        lost = [line for reviewer in reviewers for line in reviewer.lost(live.url)]
    answers = sum((Counter(reviewer.answers) for reviewer in reviewers), Counter[int]())
    early, late = _quarters(memory)
    few, many = _quarters(descriptors)
    problems = lost + [f"{n} answers {status}" for status, n in answers.items() if status >= 500]
    if late > early * (1 + GROWTH) + 4:
        problems.append(f"memory grows from {early:.0f} to {late:.0f} MiB")
    if many > few + MORE:
        problems.append(f"descriptors grow from {few:.0f} to {many:.0f}")
    row.check(problems, "soak")
    row.tried = sum(answers.values())
    row.facts = {
        "MiB in the second and the last quarter": f"{early:.0f} {late:.0f}",
        "descriptors": f"{few:.0f} {many:.0f}",
    }


def _quarters(values: list[float]) -> tuple[float, float]:
    """The medians of the second and the last quarter of some values."""
    quarter = max(1, len(values) // 4)
    return statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])
