"""Does the server keep up with the predictor inside it when a hundred clients ask at once?

Starts a real `leukoscope serve` and lets CLIENTS clients on loopback send requests of K images each
for SECONDS, one after the other. Every answer is compared with the predictor's own, to the last
digit; a client that is told to wait (429) waits as long as it is told and asks again. Before and
after, `Predictor.predict` runs on the same bytes with the same number of threads. The clients share
the machine with the server, so they do as little as can be: ready-made requests, plain sockets, and
answers that are looked into only afterwards.

    python benchmarks/load.py [FOLDER] [--cells 8 1] [--clients 100] [--seconds 60]

FOLDER holds images; without one, synthetic cells are drawn. On Linux; memory is read from /proc.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from load_clients import Body, Load, make_bodies
from PIL import Image

from leukoscope.core.cores import usable_cores
from leukoscope.data.synthetic.plan import draw_planned, plan_cohort
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.results import Prediction
from leukoscope.inference.sources import expand

IMAGES = 96
SAMPLE_SECONDS = 0.25
PREDICTOR_SECONDS = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


def load_images(folder: Path | None) -> list[bytes]:
    """Files to send: those of a folder, or synthetic cells as BMP, as C-NMC has them."""
    if folder is not None:
        paths = [source.path for source in expand([folder]) if not source.problem]
        return [path.read_bytes() for path in paths[:: max(1, len(paths) // IMAGES)][:IMAGES]]
    images = []
    for cell in plan_cohort(persons=12, cells_per_person=IMAGES // 12, seed=0):
        out = io.BytesIO()
        Image.fromarray(draw_planned(cell, 0)).save(out, "BMP")
        images.append(out.getvalue())
    return images


async def watch(pid: int, samples: list[float]) -> None:
    """Resident memory of a process in MB, again and again."""
    while True:
        text = Path(f"/proc/{pid}/status").read_text()
        samples.append(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1000)
        await asyncio.sleep(SAMPLE_SECONDS)


def cpu_seconds(pid: int | str) -> float:
    """CPU time a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def serving(threads: int, model: Path | None) -> Iterator[tuple[int, int]]:
    """A ready server: its process id and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "leukoscope", "serve", *([model] if model else [])]
    command += ["--port", str(port), "--ephemeral", "--no-open", "--workers", str(threads)]
    environment = {k: v for k, v in os.environ.items() if k != "LEUKOSCOPE_TOKEN"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stderr=log, env=environment) as process,
    ):
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    if opener.open(f"http://127.0.0.1:{port}/readyz").status == 200:
                        break
                time.sleep(0.1)
            else:
                raise SystemExit("the server did not become ready")
            yield process.pid, port
        finally:
            process.terminate()


def predictor_alone(predictor: Predictor, images: Sequence[bytes]) -> tuple[float, float]:
    """Images a second that the predictor answers alone, and processor seconds an image."""
    done, started, cpu = 0, time.perf_counter(), cpu_seconds("self")
    while time.perf_counter() - started < PREDICTOR_SECONDS:
        done += sum(1 for _ in predictor.predict(images))
    return done / (time.perf_counter() - started), (cpu_seconds("self") - cpu) / done


def wrong_answers(load: Load, expected: Sequence[Prediction]) -> int:
    """Images whose answer is missing, out of order or not the predictor's to the last digit."""
    wrong = 0
    for _, body, content in load.answers:
        answers = json.loads(content)["answers"]
        told = [(a["name"], a["p_all"], a["logit"], a["verdict"]) for a in answers]
        right = [
            (str(i), expected[i].p_all, expected[i].logit, str(expected[i].verdict))
            for i in body.images
        ]
        wrong += len(right) - sum(a == b for a, b in zip(told, right, strict=False))
    return wrong


@dataclass
class Run:
    """What one run came to. `memory` in MB over time; `server`, `clients` in processor seconds."""

    load: Load
    seconds: float
    memory: list[float]
    server: float
    clients: float

    @property
    def images(self) -> int:
        """How many were answered."""
        return sum(len(body.images) for _, body, _ in self.load.answers)


async def measure(pid: int, bodies: list[Body], port: int, clients: int, seconds: float) -> Run:
    """Let all clients loose at once; each finishes what it began."""
    memory: list[float] = []
    watching = asyncio.create_task(watch(pid, memory))
    started, cpu, own = time.perf_counter(), cpu_seconds(pid), cpu_seconds("self")
    load = Load(bodies, port, started + seconds)
    await asyncio.gather(*(load.client(number) for number in range(clients)))
    took = time.perf_counter() - started
    watching.cancel()
    server, mine = cpu_seconds(pid) - cpu, cpu_seconds("self") - own
    return Run(load, took, memory, server, mine)


def report(run: Run, alone: Sequence[tuple[float, float]], expected: Sequence[Prediction]) -> bool:
    """Print one run as a table; whether it is as it should be."""
    load, rate = run.load, run.images / run.seconds
    before, after = (rate for rate, _ in alone)
    share = 2 * rate / (before + after)
    cost = [statistics.mean(cpu for _, cpu in alone), run.server / run.images]
    cost.append(run.clients / run.images)
    times = sorted(seconds for seconds, _, _ in load.answers)
    late = [times[min(len(times) - 1, int(q * len(times)))] for q in (0.5, 0.95, 0.99)]
    grown = [max(part) for part in quarters(run.memory)]
    wrong, lost = wrong_answers(load, expected), sum(load.lost.values())
    rows = {
        "predictor alone, before and after": f"{before:.1f}, {after:.1f} images/s",
        "server": f"{rate:.1f} images/s",
        "**server / predictor**": f"**{100 * share:.0f} %**",
        "requests answered": f"{len(times):,} in {run.seconds:.0f} s",
        "told to wait (429)": f"{load.refusals:,}",
        "lost": f"{lost:,}",
        "wrong answers": f"{wrong:,}",
        "latency, median / 95 % / 99 %": " / ".join(f"{t:.1f}" for t in late) + " s",
        "memory of the server, most in each quarter": " / ".join(f"{m:.0f}" for m in grown) + " MB",
        "processor time an image, predictor / server / clients": (
            " / ".join(f"{1000 * seconds:.1f}" for seconds in cost) + " ms"
        ),
    }
    print("| | |\n|---|---:|")
    print(*(f"| {name} | {value} |" for name, value in rows.items()), sep="\n")
    print(*(f"lost {number}: {what}" for what, number in load.lost.items()), sep="\n")
    return not wrong and not lost


def quarters(values: Sequence[float]) -> list[Sequence[float]]:
    """A series cut into four."""
    edges = [len(values) * i // 4 for i in range(5)]
    return [values[a:b] for a, b in pairwise(edges)]


def main() -> None:
    """Measure and print; exit code 1 if an answer was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--cells", type=int, nargs="+", default=[8], metavar="K")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=usable_cores())
    args = parser.parse_args()

    images = load_images(args.folder)
    predictor = Predictor(args.model, threads=args.threads)
    expected = list(predictor.predict(images))
    size = sum(map(len, images)) / len(images) / 1000
    print(f"{predictor.model.card.name}, {args.threads} threads, images of {size:.0f} kB")
    good = True
    for cells in args.cells:
        before = predictor_alone(predictor, images)
        with serving(args.threads, args.model) as (pid, port):
            bodies = make_bodies(images, cells, port)
            run = asyncio.run(measure(pid, bodies, port, args.clients, args.seconds))
        after = predictor_alone(predictor, images)
        print(f"\n{args.clients} clients, {cells} images in a request\n")
        good &= report(run, (before, after), expected)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
