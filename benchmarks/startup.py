"""How long one waits for the first answer, beside the peers of benchmarks/peers.py.

Every command is a new process; the first run of each, which fills the disk cache, is left out.

    python benchmarks/startup.py IMAGE [--rounds 5] [--peers PYTHON]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import PREDICTING
from timing import Table, alternate

PEERS = Path(__file__).with_name("peers.py")


def seconds(command: list[str], cwd: Path) -> float:
    """Time of a command that reads one line."""
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=cwd, input=b"\n", capture_output=True)
    return time.perf_counter() - start


def measure(args: argparse.Namespace) -> Table:
    """Measure all rows."""
    leukoscope, image = [sys.executable, "-m", "leukoscope"], str(args.image.resolve())
    commands = {
        "leukoscope --help": [*leukoscope, "--help"],
        "leukoscope predict, one image": [*leukoscope, "predict", image],
    }
    if args.peers:
        # Not resolved: the link is what makes Python use its own environment.
        python = str(args.peers.absolute())
        commands |= {f"{way}: one image": [python, str(PEERS), way, image] for way in PREDICTING}
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        jobs = {name: lambda c=command: seconds(c, cwd) for name, command in commands.items()}
        alternate(jobs, 1)
        values = alternate(jobs, args.rounds)
    ours = "leukoscope predict, one image"
    return Table("Start: from a new process to its answer", "s", values, ours, False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    print(measure(parser.parse_args()).text())


if __name__ == "__main__":
    main()
