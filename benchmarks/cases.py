"""How fast are cases? Adding, listing, opening and exporting them, in SQLite or PostgreSQL.

Fills a database with cases of made-up answers, then times what the app does with them; prints the
median of some rounds in milliseconds.

    python benchmarks/cases.py [--database URL] [--rounds 5]
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

from leukoscope.app.export.export import case_csv, export
from leukoscope.app.limits import Limits
from leukoscope.app.schemas import CaseIn, CellPrediction, Review
from leukoscope.app.store import Store
from leukoscope.core.verdicts import Verdict

SHA256 = "0" * 64
THRESHOLD = 0.4
RANDOM = random.Random(0)


def answers(number: int) -> list[tuple[CellPrediction, None]]:
    """Answers for cells of ten subjects."""
    made = []
    for place in range(number):
        p_all = RANDOM.random()
        answer = CellPrediction(
            name=f"fold_0/UID_{place % 10}_{place}_1_all.bmp",
            subject=str(place % 10),
            p_all=p_all,
            verdict=Verdict.BLAST if p_all >= THRESHOLD else Verdict.NORMAL,
            logit=RANDOM.gauss(0, 2),
            flags=[],
            reason="",
            model="benchmark",
            sha256=RANDOM.randbytes(32).hex(),
            threshold=THRESHOLD,
        )
        made.append((answer, None))
    return made


def main() -> None:
    """Fill, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", default=None, help="Default: a SQLite file, for this run.")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(args.database or f"sqlite:///{folder}/cases.sqlite3", Limits())
        store.open()
        measure(store, args.rounds)
        store.close()


def measure(store: Store, rounds: int) -> None:
    """Print a line for each thing that is timed."""

    def new_case() -> str:
        return store.create(CaseIn(), "benchmark", SHA256, THRESHOLD).id

    def add(case: str, number: int) -> list[int]:
        return store.add(case, answers(number), model_sha256=SHA256)

    large = new_case()
    for _ in range(10):
        ids = add(large, 2_000)
        for cell in ids[::20]:
            store.review(large, cell, Review(label="ALL"))
    small = [new_case() for _ in range(99)]
    for one in small:
        add(one, 200)
    some = new_case()
    cell = add(some, 200)[0]
    case, now = store.case(large), datetime.now(UTC)
    jobs: dict[str, Callable[[], object]] = {
        "start a case": new_case,
        "add 200 cells at once": lambda: add(some, 200),
        "add 8 cells": lambda: add(some, 8),
        "review a cell": lambda: store.review(some, cell, Review(label="HEM")),
        "list 100 cases of 200 cells, one of 20,000": store.heads,
        "open a case of 20,000 cells": lambda: store.case(large),
        "the same, as JSON": lambda: store.case(large).model_dump_json(),
        "export 20,000 cells as CSV": lambda: b"".join(case_csv(case)),
        "export 20,000 cells as HTML": lambda: export("html", case, lambda _: b"", None),
        "delete a case of 200 cells": lambda: store.delete(small.pop()),
    }
    for name, job in jobs.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            job()
            times.append(1000 * (time.perf_counter() - start))
        print(f"{name:45} {statistics.median(times):9.1f} ms")
    print(json.dumps({"made": now.isoformat(timespec="seconds")}))


if __name__ == "__main__":
    main()
