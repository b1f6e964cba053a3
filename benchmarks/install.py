"""What the core install weighs, and how long one waits for it.

Makes a fresh virtual environment, installs the package with the versions of constraints.txt and no
extra, and measures in it: the size on disk (with and without pip), the time `leukoscope --help`
takes, `leukoscope predict` of one image, and `leukoscope serve` until /healthz and /readyz answer.
The times are medians; the first run of each, which fills the disk cache, is left out.

    python benchmarks/install.py [--python python3.12] [--rounds 10] [--keep FOLDER]
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "src/leukoscope/app/examples/S2_1_2_all.png"
TARGET_MB = 300
LARGEST = 8
ANYWAY = ("pip", "setuptools", "pkg_resources")  # what Python 3.11 puts into every environment


def install(python: str, folder: Path) -> None:
    """A virtual environment with the core install, compiled."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    subprocess.run(
        [folder / "bin/pip", "install", "--quiet", "-c", ROOT / "constraints.txt", ROOT], check=True
    )


def megabytes(path: Path) -> int:
    """Size on disk, as `du -sm` has it."""
    shown = subprocess.run(["du", "-sm", path], check=True, capture_output=True, text=True).stdout
    return int(shown.split()[0])


def run_once(command: list[str | Path], cwd: Path) -> float:
    """Seconds one command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=cwd, capture_output=True)
    return time.perf_counter() - started


def serve_until(path: str, leukoscope: Path, cwd: Path) -> float:
    """Seconds from starting a server to its first good answer at `path`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [leukoscope, "serve", "--port", str(port), "--ephemeral", "--no-open"]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stderr=subprocess.DEVNULL) as server:
        try:
            while not answers(f"http://127.0.0.1:{port}{path}"):
                if server.poll() is not None:
                    raise SystemExit("the server did not start")
                time.sleep(0.005)
            return time.perf_counter() - started
        finally:
            server.terminate()


def answers(url: str) -> bool:
    """Whether there is a good answer at `url`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return bool(opener.open(url, timeout=2).status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def median(action: Callable[[], float], rounds: int) -> float:
    """Median seconds of `rounds` runs after one that does not count."""
    action()
    return statistics.median(action() for _ in range(rounds))


def main() -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter to install for")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="folder for the environment, which then stays")
    args = parser.parse_args()

    os.environ.pop("LEUKOSCOPE_TOKEN", None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch) / "venv"
        if not (folder / "bin/leukoscope").exists():
            install(args.python, folder)
        cwd = Path(scratch)
        leukoscope = folder / "bin/leukoscope"
        size = megabytes(folder)
        (library,) = (folder / "lib").glob("python*/site-packages")
        parts = {path.name: megabytes(path) for path in library.iterdir() if path.is_dir()}
        predict = [leukoscope, "predict", EXAMPLE, "--out", "result.csv"]
        times = {
            "leukoscope --help": median(lambda: run_once([leukoscope, "--help"], cwd), args.rounds),
            "predict one image": median(lambda: run_once(predict, cwd), args.rounds),
            "serve to /healthz": median(
                lambda: serve_until("/healthz", leukoscope, cwd), args.rounds
            ),
            "serve to /readyz": median(
                lambda: serve_until("/readyz", leukoscope, cwd), args.rounds
            ),
        }
    print("| | |\n|---|---:|")
    anyway = sum(parts.get(name, 0) for name in ANYWAY)
    print(f"| core install (target below {TARGET_MB} MB) | {size - anyway} MB |")
    print(f"| with the environment's own pip and setuptools | {size} MB |")
    for name, seconds in times.items():
        print(f"| {name}, median of {args.rounds} | {seconds:.2f} s |")
    heavy = sorted(parts, key=lambda name: -parts[name])[:LARGEST]
    print("\nOf it: " + ", ".join(f"{name} {parts[name]} MB" for name in heavy))


if __name__ == "__main__":
    main()
