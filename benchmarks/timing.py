"""Time several ways to do one thing, in turn in one run, and print them as a table.

Ways that alternate share what else the machine does, so their ratios hold where their times do not.
"""

import os
import platform
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from leukoscope.core.version import __version__

PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "torch")


@dataclass
class Table:
    """Measurements of one quantity.

    Attributes:
        title: What was measured.
        unit: For example "images/s".
        values: The measurements of each row, one of each round.
        reference: The row that the others are compared with.
        more_is_better: True for rates, False for times.
        notes: A remark on a row.
        parts: Rows that are a part of another, which no ratio compares.
    """

    title: str
    unit: str
    values: dict[str, list[float]]
    reference: str
    more_is_better: bool = True
    notes: dict[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    def median(self, row: str) -> float:
        """The median of a row."""
        return statistics.median(self.values[row])

    def text(self) -> str:
        """The table in Markdown."""
        rounds = max(map(len, self.values.values()))
        lines = [
            f"### {self.title}",
            "",
            f"| {self.unit}, {rounds} rounds | median | lowest to highest | {self.reference} is |",
            "|---|---:|---:|---:|",
        ]
        for row, values in self.values.items():
            note = f" ({self.notes[row]})" if row in self.notes else ""
            spread = f"{shown(min(values))} to {shown(max(values))}"
            lines.append(
                f"| {row}{note} | {shown(self.median(row))} | {spread} | {self.ratio(row)} |"
            )
        return "\n".join(lines)

    def ratio(self, row: str) -> str:
        """By how much the reference row is faster or slower than another."""
        if row == self.reference or row in self.parts:
            return ""
        ratio = self.median(self.reference) / self.median(row)
        ratio = ratio if self.more_is_better else 1 / ratio
        if abs(ratio - 1) < 0.05:
            return "as fast"
        return f"{ratio:.1f} x as fast" if ratio >= 1 else f"{1 / ratio:.1f} x slower"


def shown(value: float) -> str:
    """A number with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def alternate(jobs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all jobs in turn, several times.

    Args:
        jobs: By name, functions that return one measurement.
        rounds: How often each job is run.

    Returns:
        The measurements of each job.
    """
    values: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            values[name].append(job())
    return values


def machine() -> str:
    """Processor, cores, load and versions, in one line each."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join(
        [
            f"- {processor()}, {len(os.sched_getaffinity(0))} cores, {platform.system()}",
            f"- load over 1, 5 and 15 minutes before the run: {load}",
            f"- Leukoscope {__version__}, Python {platform.python_version()}, "
            + ", ".join(map(package, PACKAGES)),
        ]
    )


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def package(name: str) -> str:
    """A package and its version."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"
