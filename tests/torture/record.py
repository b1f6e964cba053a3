"""Figures of a run: kept in a file after each row, so that an interrupted run tells what it did."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from leukoscope.core.printable import show


@dataclass
class Row:
    """The figures of one kind of torture on one subject.

    Attributes:
        kind: Such as "kills".
        subject: Such as "train".
        seed: Random seed.
        tried: Number of kills, inputs or commands.
        failures: A line for each that did not end as it should.
        facts: Further figures to print.
        seconds: Time that it took.
        complete: False where it was interrupted.
    """

    kind: str
    subject: str
    seed: int
    tried: int = 0
    failures: list[str] = field(default_factory=list)
    facts: dict[str, float | int | str] = field(default_factory=dict)
    seconds: float = 0.0
    complete: bool = False

    def check(self, problems: Sequence[str], what: str) -> None:
        """Count one try, and note its problems."""
        self.tried += 1
        self.failures += [" ".join(f"{what}: {problem}".split()) for problem in problems]

    def text(self) -> str:
        """A line of the table."""
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        state = "" if self.complete else " (interrupted)"
        return (
            f"| {self.kind} | {self.subject} | {self.tried} | {len(self.failures)} | "
            f"{self.seconds:.0f} s | {self.seed} | {facts}{state} |"
        )


HEAD = (
    "| kind | subject | tried | failed | time | seed | figures |\n|---|---|---:|---:|---:|---:|---|"
)


class Record:
    """The rows of one run, and of the run that it resumes."""

    def __init__(self, path: Path | None, *, resume: bool = False) -> None:
        self.path = path
        self.rows: list[Row] = []
        if resume and path is not None and path.is_file():
            known = [Row(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
            self.rows = [row for row in known if row.complete]

    @contextmanager
    def row(self, kind: str, subject: str, seed: int) -> Iterator[Row]:
        """A new row; it is kept however the block ends."""
        row = Row(kind, subject, seed)
        self.rows.append(row)
        began = time.monotonic()
        try:
            yield row
            row.complete = True
        finally:
            row.seconds = round(time.monotonic() - began, 1)
            self._save()
            show(row.text())
            for failure in row.failures[:20]:
                show("   ", failure)
            sys.stdout.flush()

    def is_done(self, kind: str, subject: str, seed: int) -> bool:
        """True for a row that an earlier run completed."""
        return any((row.kind, row.subject, row.seed) == (kind, subject, seed) for row in self.rows)

    def table(self) -> str:
        """All rows as a table in Markdown."""
        return "\n".join([HEAD, *(row.text() for row in self.rows)])

    def failed(self) -> int:
        """The number of failures in all rows."""
        return sum(len(row.failures) for row in self.rows)

    def _save(self) -> None:
        if self.path is not None:
            lines = [json.dumps(asdict(row)) for row in self.rows]
            self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
