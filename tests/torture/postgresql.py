"""PostgreSQL: kills of the server of the app and of the database, and a soak."""

import random
import time
from pathlib import Path

from tests.app.live import running
from tests.postgresql import PostgreSQL, running_postgresql
from tests.torture.commands import environment, prepare
from tests.torture.kills import kill_server
from tests.torture.record import Record, Row
from tests.torture.reviews import Reviewer, at_work
from tests.torture.soak import soak


def run(record: Record, folder: Path, *, seed: int, kills: int, seconds: float) -> None:
    """Kill either side and soak; skips where PostgreSQL is not installed."""
    place = prepare(folder / "place")
    with running_postgresql() as server:
        if not record.is_done("postgresql", "kills of serve", seed):
            with record.row("postgresql", "kills of serve", seed) as row:
                database = server.new_database()
                kill_server(row, place, folder / "serve", kills, "--database", database)
        if not record.is_done("postgresql", "restarts of PostgreSQL", seed):
            with record.row("postgresql", "restarts of PostgreSQL", seed) as row:
                _restart(row, server, folder, kills)
        if not record.is_done("postgresql", "soak", seed):
            with record.row("postgresql", "soak", seed) as row:
                soak(row, folder, seconds, "--database", server.new_database())


def _restart(row: Row, server: PostgreSQL, folder: Path, times: int) -> None:
    """Restart the database under work: answers may be refusals, and no review is lost."""
    rng = random.Random(row.seed)
    options = (str(folder / "place" / "tiny.onnx"), "--database", server.new_database())
    refused = 0
    with running(*options, env=environment(folder / "home")) as live:
        for _ in range(times):
            reviewers = [Reviewer(live.url, rng.randrange(10**6)) for _ in range(3)]
            for reviewer in reviewers:
                reviewer.prepare()
            with at_work(reviewers):
                time.sleep(rng.uniform(0.1, 0.5))
                server.stop()
                time.sleep(rng.uniform(0, 0.5))
                server.start()
                time.sleep(rng.uniform(0.1, 0.5))
            live.wait_ready()
            lost = [line for reviewer in reviewers for line in reviewer.lost(live.url)]
            statuses = [
                status for one in reviewers for status, n in one.answers.items() for _ in range(n)
            ]
            refused += sum(status == 503 for status in statuses)
            wrong = {status for status in statuses if status >= 400 and status != 503}
            row.check([*lost, *(f"status {status}" for status in sorted(wrong))], "restart")
    row.facts = {"answers 503": refused}
