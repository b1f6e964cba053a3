"""All tables of speed, each beside what one would use instead: `make bench`.

Runs the other benchmarks one after another, each in a process of its own, and prints their tables;
--write puts them into docs/speed.md.

    python benchmarks/bench.py [FOLDER] [--peers PYTHON] [--only predict audit] [--write]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import machine

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/speed.md"
MARK = "<!-- tables -->"


def synthetic(folder: Path) -> Path:
    """A folder of synthetic cells, for users without images."""
    command = [sys.executable, "-m", "leukoscope", "data", "synthesize", str(folder)]
    subprocess.run([*command, "--persons", "20", "--cells", "20"], check=True)
    return folder


def commands(folder: Path, image: Path) -> dict[str, list[str]]:
    """The command of each table."""
    return {
        "predict": ["predict.py", str(folder)],
        "start": ["startup.py", str(image)],
        "app": ["app.py", str(folder)],
        "audit": ["audit_speed.py", str(folder)],
        "training": ["training_steps.py"],
    }


def first_image(folder: Path) -> Path:
    """The first image of a folder."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in {".bmp", ".png"})
    if not found:
        raise SystemExit(f"no images in {folder}")
    return found[0]


def run(command: list[str]) -> str:
    """The output of a benchmark."""
    print(f"{command[0]} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, str(HERE / command[0]), *command[1:]],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def main() -> None:
    """Run all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="images; by default synthetic ones")
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    parser.add_argument("--only", nargs="+", help="names of tables")
    parser.add_argument("--write", action="store_true", help=f"also put them into {PAGE.name}")
    args = parser.parse_args()
    peers = ["--peers", str(args.peers)] if args.peers else []
    texts = [machine()]
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or synthetic(Path(scratch) / "cells")
        listed = commands(folder, first_image(folder))
        if unknown := set(args.only or ()) - set(listed):
            parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(listed)}")
        for name in args.only or listed:
            texts.append(run([*listed[name], *peers]))
            print(texts[-1], end="\n\n", flush=True)
    if args.write:
        prose = PAGE.read_text().partition(MARK)[0]
        PAGE.write_text(f"{prose}{MARK}\n\n" + "\n\n".join(texts) + "\n")


if __name__ == "__main__":
    main()
