"""A server under work: clients add cells, review them and remember what was acknowledged."""

import io
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from PIL import Image

from tests.inference.tiny_model import cell_image

LABELS = ("ALL", "HEM", "not a cell")


def form(numbers: range) -> list[tuple[str, tuple[str, bytes]]]:
    """Drawn cells as the fields of an upload."""
    files = []
    for number in numbers:
        stream = io.BytesIO()
        Image.fromarray(cell_image(number)).save(stream, "PNG", compress_level=1)
        files.append(("files", (f"UID_H7_1_{number}_hem.png", stream.getvalue())))
    return files


@dataclass
class Reviewer:
    """A client with a case of its own, at work in a thread.

    Attributes:
        acknowledged: The last label of each cell that the server confirmed.
        asked: The label that is being sent, which may or may not be stored.
        answers: Number of answers with each status.
    """

    url: str
    seed: int
    case: str = ""
    cells: list[int] = field(default_factory=list)
    acknowledged: dict[int, str] = field(default_factory=dict)
    asked: tuple[int, str] | None = None
    answers: dict[int, int] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def prepare(self) -> None:
        """Make the case and its cells."""
        with self._client() as client:
            self.case = client.post("/v1/cases", json={"name": f"case {self.seed}"}).json()["id"]
            answer = client.post("/v1/predict", params={"case": self.case}, files=form(range(1, 5)))
            self.cells = [one["cell_id"] for one in answer.json()["answers"]]

    def work(self) -> None:
        """Review until the server is gone or the event is set."""
        rng = random.Random(self.seed)
        try:
            with self._client() as client:
                while not self.ended.is_set():
                    self._review(client, rng)
                    if rng.random() < 0.1:
                        self._note(client.get(f"/v1/cases/{self.case}/export?format=csv"))
                    if rng.random() < 0.1:
                        self._note(client.post("/v1/predict", files=form(range(1, 3))))
        except httpx.HTTPError:
            return  # the server was killed

    def lost(self, url: str) -> list[str]:
        """Acknowledged reviews that a server does not have."""
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            stored = {
                cell["id"]: (cell["review"] or {}).get("label")
                for cell in client.get(f"/v1/cases/{self.case}").json()["cells"]
            }
        return [
            f"the review {label} of cell {cell} is {stored.get(cell)}"
            for cell, label in self.acknowledged.items()
            if stored.get(cell) != label and (cell, stored.get(cell)) != self.asked
        ]

    def _review(self, client: httpx.Client, rng: random.Random) -> None:
        self.asked = rng.choice(self.cells), rng.choice(LABELS)
        cell, label = self.asked
        answer = client.put(f"/v1/cases/{self.case}/cells/{cell}/review", json={"label": label})
        self._note(answer)
        if answer.status_code == 200:
            self.acknowledged[cell] = label
            self.asked = None

    def _note(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)


@contextmanager
def at_work(reviewers: list[Reviewer]) -> Iterator[None]:
    """Reviewers at work in threads meanwhile."""
    threads = [threading.Thread(target=reviewer.work, daemon=True) for reviewer in reviewers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for reviewer in reviewers:
            reviewer.ended.set()
        for thread in threads:
            thread.join(60)
