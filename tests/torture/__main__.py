"""Run kinds of torture and print their figures: `python -m tests.torture [KIND ...]`."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from leukoscope.core.printable import show
from tests.torture import faults, full_server, fuzz, kills, postgresql, soak, writers
from tests.torture.record import Record

Options = argparse.Namespace
KINDS: dict[str, Callable[[Record, Path, Options], None]] = {
    "kills": lambda record, folder, o: kills.run(record, folder, seed=o.seed, kills=o.kills),
    "fuzz": lambda record, _, o: fuzz.run(
        record, o.corpus, seed=o.seed, seconds=60 * o.minutes, only=o.only
    ),
    "faults": lambda record, folder, o: _faults(record, folder, o.seed),
    "writers": lambda record, folder, o: writers.run(record, folder, seed=o.seed, rounds=o.rounds),
    "soak": lambda record, folder, o: soak.run(record, folder, seed=o.seed, seconds=60 * o.minutes),
    "postgresql": lambda record, folder, o: postgresql.run(
        record, folder, seed=o.seed, kills=max(1, o.kills // 10), seconds=60 * o.minutes
    ),
}


def _faults(record: Record, folder: Path, seed: int) -> None:
    faults.run(record, folder, seed=seed)
    if faults.can_mount(folder) and not record.is_done("faults", "serve on a full disk", seed):
        with record.row("faults", "serve on a full disk", seed) as row:
            full_server.fill_disk(row, folder / "place" / "tiny.onnx", folder / "full")


def main() -> int:
    """Run the kinds that were named; exit code 1 if anything failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10, help="per parser, and for the soak")
    parser.add_argument("--kills", type=int, default=210, help="over all commands")
    parser.add_argument("--rounds", type=int, default=10, help="of two writers")
    parser.add_argument("--only", nargs="*", help="parsers to fuzz; by default all")
    parser.add_argument("--corpus", type=Path, default=Path(".torture") / "corpus")
    parser.add_argument("--record", type=Path, default=Path(".torture") / "record.jsonl")
    parser.add_argument("--fresh", action="store_true", help="repeat rows that are complete")
    options = parser.parse_args()
    if unknown := set(options.kinds) - KINDS.keys():
        parser.error(f"unknown: {', '.join(unknown)}; choose of {', '.join(KINDS)}")
    options.record.parent.mkdir(parents=True, exist_ok=True)
    record = Record(options.record, resume=not options.fresh)
    code = 0
    try:
        for kind in options.kinds or KINDS:
            folder = Path(tempfile.mkdtemp(prefix="leukoscope-torture-"))
            try:
                KINDS[kind](record, folder, options)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        show("interrupted; the same command goes on with the rows that are missing")
        code = 130
    show(record.table())
    return code or int(record.failed() > 0)


if __name__ == "__main__":
    sys.exit(main())
