"""A server whose database lies on a full disk: refusals with 503 until there is room again."""

import subprocess
from collections import Counter
from pathlib import Path

import httpx

from tests.app.live import running
from tests.torture.commands import environment
from tests.torture.faults import mounted
from tests.torture.record import Row
from tests.torture.reviews import form

CASES = 60


def fill_disk(row: Row, model: Path, folder: Path) -> None:
    """Make cases with images until long after the disk is full, then give it room.

    Args:
        row: The figures.
        model: The model of the server.
        folder: A new folder.
    """
    disk = folder / "disk"
    disk.mkdir(parents=True)
    with mounted(disk, "size=600k"):
        options = (str(model), "--database", f"sqlite:///{disk}/cases.sqlite3")
        with running(*options, env=environment(folder / "home")) as live, live.client() as client:
            statuses = Counter(
                status for number in range(CASES) for status in _case(client, number)
            )
            reads = [client.get(path).status_code for path in ("/healthz", "/v1/cases")]
            more = ["mount", "-o", "remount,size=4m", str(disk)]
            subprocess.run(more, check=True, capture_output=True)
            after = client.post("/v1/cases", json={"name": "after"}).status_code
    problems = [f"status {status}" for status in statuses if status not in (200, 201, 503)]
    problems += ["the disk was never full"] if not statuses[503] else []
    problems += [f"reading is answered with {status}" for status in reads if status != 200]
    problems += [f"with room again: {after}"] if after != 201 else []
    row.check(problems, "serve on a full disk")
    row.facts["answers 503 of serve"] = statuses[503]


def _case(client: httpx.Client, number: int) -> list[int]:
    answer = client.post("/v1/cases", json={"name": "full", "keep_images": True})
    if answer.status_code != 201:
        return [answer.status_code]
    case, files = answer.json()["id"], form(range(3 * number + 1, 3 * number + 4))
    return [201, client.post("/v1/predict", params={"case": case}, files=files).status_code]
